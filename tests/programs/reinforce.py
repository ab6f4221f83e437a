"""REINFORCE with a baseline: Categorical, log_prob, discounted returns."""

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.distributions import Categorical

torch.manual_seed(10)


class Policy(nn.Module):
    def __init__(self):
        super().__init__()
        self.affine1 = nn.Linear(4, 32)
        self.dropout = nn.Dropout(p=0.2)
        self.affine2 = nn.Linear(32, 2)
        self.value = nn.Linear(32, 1)
        self.saved_log_probs, self.values, self.rewards = [], [], []

    def forward(self, x):
        x = F.relu(self.dropout(self.affine1(x)))
        return F.softmax(self.affine2(x), dim=1), self.value(x)


policy = Policy()
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
eps = torch.finfo(torch.float32).eps


def select_action(state):
    probs, value = policy(state.unsqueeze(0))
    m = Categorical(probs)
    action = m.sample()
    policy.saved_log_probs.append(m.log_prob(action))
    policy.values.append(value.squeeze())
    return action.item(), m.entropy()


for i_episode in range(8):
    state = torch.randn(4)
    entropies = []
    for t in range(12):
        action, entropy = select_action(state)
        entropies.append(entropy)
        reward = 1.0 if (action == 1) == bool(state[0] > 0) else 0.0
        policy.rewards.append(reward)
        state = 0.7 * state + 0.3 * torch.randn(4)
    R, returns = 0, []
    for r in policy.rewards[::-1]:
        R = r + 0.9 * R
        returns.insert(0, R)
    returns = torch.tensor(returns)
    returns = (returns - returns.mean()) / (returns.std() + eps)
    values = torch.stack(policy.values)
    advantage = returns - values.detach()
    policy_loss = [-log_prob * a for log_prob, a in zip(policy.saved_log_probs, advantage)]
    loss = (
        torch.cat(policy_loss).sum() + F.smooth_l1_loss(values, returns) - 0.01 * torch.stack(entropies).sum()
    )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"Episode {i_episode}\treward {sum(policy.rewards):.2f}\tloss {loss.item():.4f}")
    del policy.rewards[:], policy.saved_log_probs[:], policy.values[:]
