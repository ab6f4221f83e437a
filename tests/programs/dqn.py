"""Deep Q-learning in a corridor: replay memory, target network, epsilon-greedy."""

import random
from collections import deque, namedtuple

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim

torch.manual_seed(9)
random.seed(9)
Transition = namedtuple("Transition", ("state", "action", "next_state", "reward", "done"))
SIZE = 6


class Corridor:
    """Walk right to the goal, within twenty steps."""

    def reset(self):
        self.place, self.steps = 0, 0
        return self.observe()

    def observe(self):
        return F.one_hot(torch.tensor(self.place), SIZE).float()

    def step(self, action):
        self.place = max(0, self.place - 1) if action == 0 else self.place + 1
        self.steps += 1
        arrived = self.place == SIZE - 1
        return self.observe(), (1.0 if arrived else -0.05), arrived or self.steps >= 20


class ReplayMemory:
    def __init__(self, capacity):
        self.memory = deque([], maxlen=capacity)

    def push(self, *args):
        self.memory.append(Transition(*args))

    def sample(self, n):
        return random.sample(self.memory, n)

    def __len__(self):
        return len(self.memory)


def network():
    return nn.Sequential(nn.Linear(SIZE, 24), nn.ReLU(), nn.Linear(24, 2))


policy_net, target_net = network(), network()
target_net.load_state_dict(policy_net.state_dict())
optimizer = optim.AdamW(policy_net.parameters(), lr=3e-3, amsgrad=True)
memory = ReplayMemory(500)


def optimize_model():
    if len(memory) < 32:
        return None
    batch = Transition(*zip(*memory.sample(32)))
    state, next_state = torch.stack(batch.state), torch.stack(batch.next_state)
    action = torch.tensor(batch.action).unsqueeze(1)
    reward, done = torch.tensor(batch.reward), torch.tensor(batch.done)
    values = policy_net(state).gather(1, action).squeeze(1)
    with torch.no_grad():
        following = target_net(next_state).max(1).values.masked_fill(done, 0.0)
    loss = nn.SmoothL1Loss()(values, reward + 0.95 * following)
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_value_(policy_net.parameters(), 100)
    optimizer.step()
    target_state, policy_state = target_net.state_dict(), policy_net.state_dict()
    for key in policy_state:
        target_state[key] = policy_state[key] * 0.05 + target_state[key] * 0.95
    target_net.load_state_dict(target_state)
    return loss.item()


env = Corridor()
for episode in range(10):
    state, done, total, losses = env.reset(), False, 0.0, []
    while not done:
        if random.random() < 0.5 - 0.04 * episode:
            action = random.randrange(2)
        else:
            with torch.no_grad():
                action = policy_net(state.unsqueeze(0)).argmax(1).item()
        next_state, reward, done = env.step(action)
        memory.push(state, action, next_state, reward, done)
        state, total = next_state, total + reward
        loss = optimize_model()
        if loss is not None:
            losses.append(loss)
    print(f"episode {episode} steps {env.steps} loss {sum(losses) / max(1, len(losses)):.5f}")
