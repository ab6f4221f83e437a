/* A CUDA driver without a GPU: device memory is the host's, streams and events are always finished, a launch is noted
   and not done. cuda-core talks to it as to NVIDIA's, so what hardware.py asks of cuda-core is tried out for real.
   Functions that are not here succeed and do nothing. Built and loaded by tests/test_cuda_hardware.py. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HANDLE(n) ((void *)(uintptr_t)(n))
enum { OUT_OF_MEMORY = 2, NAMED = 12 };

static size_t used, total = 1 << 20;
static void *current;
static uintptr_t next = 0x1000;
static void *capturing;

long fake_launches, fake_noted, fake_replays;
unsigned fake_grid, fake_block;
uint64_t fake_args[NAMED];
int fake_arg_count;

static int ok(void) { return 0; }

int cuInit(unsigned flags) { return 0; }
int cuDriverGetVersion(int *v) { *v = getenv("FAKE_CUDA") ? atoi(getenv("FAKE_CUDA")) : 13040; return 0; }
int cuDeviceGetCount(int *n) { *n = 1; return 0; }
int cuDeviceGet(int *d, int i) { *d = i; return i ? 101 : 0; }
int cuDeviceGetName(char *s, int n, int d) { snprintf(s, n, "Fake GPU"); return 0; }
int cuDeviceTotalMem_v2(size_t *n, int d) { *n = total; return 0; }
int cuDeviceGetUuid_v2(char *u, int d) { memset(u, 1, 16); return 0; }
int cuDeviceGetAttribute(int *v, int a, int d) {
    *v = a == 75 ? 9 : a == 76 ? 0 : a == 16 ? 132 : a == 10 ? 32 : 1; /* capability, multiprocessors, warp */
    return 0;
}
int cuDevicePrimaryCtxRetain(void **c, int d) { *c = HANDLE(0xc0); return 0; }
int cuCtxGetCurrent(void **c) { *c = current; return 0; }
int cuCtxSetCurrent(void *c) { current = c; return 0; }
int cuCtxPushCurrent_v2(void *c) { current = c; return 0; }
int cuCtxPopCurrent_v2(void **c) { *c = current; return 0; }
int cuCtxGetDevice(int *d) { *d = 0; return current ? 0 : 201; }
int cuCtxGetDevice_v2(int *d, void *c) { *d = 0; return 0; }
int cuGetErrorName(int e, const char **s) { *s = e == OUT_OF_MEMORY ? "CUDA_ERROR_OUT_OF_MEMORY" : "CUDA_ERROR_FAKE"; return 0; }
int cuGetErrorString(int e, const char **s) { *s = "something the fake driver says"; return 0; }

int cuMemGetInfo_v2(size_t *f, size_t *t) { *f = total - used; *t = total; return 0; }
int cuMemAlloc_v2(uintptr_t *p, size_t n) {
    if (!current) return 201;
    if (used + n > total) return OUT_OF_MEMORY;
    size_t *memory = malloc(n + 256);
    *memory = n, used += n, *p = (uintptr_t)memory + 256;
    return 0;
}
int cuMemFree_v2(uintptr_t p) { size_t *memory = (void *)(p - 256); used -= *memory; free(memory); return 0; }
int cuMemAllocHost_v2(void **p, size_t n) { *p = malloc(n); return 0; }
int cuMemFreeHost(void *p) { free(p); return 0; }
static int copied(void *to, const void *from, size_t n, void *s) {
    if (s && s == capturing) return fake_noted++, 0;
    memcpy(to, from, n);
    return 0;
}
int cuMemcpyHtoDAsync_v2(uintptr_t d, const void *h, size_t n, void *s) { return copied((void *)d, h, n, s); }
int cuMemcpyDtoHAsync_v2(void *h, uintptr_t d, size_t n, void *s) { return copied(h, (void *)d, n, s); }
int cuMemcpyAsync(uintptr_t t, uintptr_t f, size_t n, void *s) { return copied((void *)t, (void *)f, n, s); }

int cuStreamCreateWithPriority(void **s, unsigned flags, int priority) { *s = HANDLE(next += 16); return flags == 1 ? 0 : 1; }
int cuStreamGetPriority(void *s, int *p) { *p = 0; return 0; }
int cuStreamGetFlags(void *s, unsigned *f) { *f = 1; return 0; }
int cuStreamGetCtx(void *s, void **c) { *c = HANDLE(0xc0); return 0; }
int cuStreamGetCtx_v2(void *s, void **c, void **g) { *c = HANDLE(0xc0), *g = 0; return 0; }
int cuCtxGetStreamPriorityRange(int *least, int *greatest) { *least = 0, *greatest = -5; return 0; }
int cuEventCreate(void **e, unsigned flags) { *e = HANDLE(next += 16); return 0; }
int cuEventElapsedTime(float *ms, void *a, void *b) { *ms = 1.5f; return 0; }
int cuEventElapsedTime_v2(float *ms, void *a, void *b) { *ms = 1.5f; return 0; }

int cuLibraryLoadData(void **l, const void *code, void *a, void *b, unsigned c, void *d, void *e, unsigned f) {
    *l = HANDLE(next += 16);
    return memcmp(code, "\177ELF", 4) ? 200 : 0;
}
int cuLibraryGetKernel(void **k, void *l, const char *name) { *k = HANDLE(next += 16); return 0; }
int cuKernelGetLibrary(void **l, void *k) { *l = HANDLE(next); return 0; }
int cuLaunchKernelEx(const unsigned *config, void *f, void **params, void **extra) {
    if (!current) return 201;
    void *stream = *(void **)(config + 8); /* after grid, block and the size of shared memory */
    fake_grid = config[0], fake_block = config[3];
    for (int k = 0; k < fake_arg_count; k++) fake_args[k] = *(uint64_t *)params[k];
    if (stream && stream == capturing) fake_noted++; else fake_launches++;
    return 0;
}
int cuLaunchKernel(void *f, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz, unsigned shared,
                   void *stream, void **params, void **extra) {
    unsigned config[10] = {gx, gy, gz, bx, by, bz, shared};
    memcpy(config + 8, &stream, sizeof stream);
    return cuLaunchKernelEx(config, f, params, extra);
}

int cuStreamBeginCapture_v2(void *s, int mode) { capturing = s; return s && mode == 2 ? 0 : 1; }
int cuStreamEndCapture(void *s, void **g) { capturing = 0; *g = HANDLE(next += 16); return 0; }
int cuStreamIsCapturing(void *s, int *status) { *status = s && s == capturing; return 0; }
int cuStreamGetCaptureInfo_v2(void *s, int *status, uint64_t *id, void **g, const void ***d, size_t *n) {
    *status = s && s == capturing;
    if (id) *id = 1;
    if (g) *g = HANDLE(0x99);
    if (n) *n = 0;
    return 0;
}
int cuStreamGetCaptureInfo_v3(void *s, int *status, uint64_t *id, void **g, const void ***d, const void **e, size_t *n) {
    return cuStreamGetCaptureInfo_v2(s, status, id, g, d, n);
}
int cuGraphInstantiateWithParams(void **e, void *g, void *params) { *e = HANDLE(next += 16); return 0; }
int cuGraphInstantiateWithFlags(void **e, void *g, unsigned long long flags) { *e = HANDLE(next += 16); return 0; }
int cuGraphLaunch(void *e, void *s) { fake_replays++; return 0; }

int cuGetProcAddress_v2(const char *name, void **function, int version, uint64_t flags, int *status) {
    char newest[128];
    void *self = dlopen(0, RTLD_NOW);
    Dl_info here;
    dladdr((void *)ok, &here);
    self = dlopen(here.dli_fname, RTLD_NOW | RTLD_NOLOAD);
    *function = (void *)ok;
    for (int v = 3; v >= 1; v--) {
        snprintf(newest, sizeof newest, v > 1 ? "%s_v%d" : "%s", name, v);
        void *found = dlsym(self, newest);
        Dl_info place;
        if (found && dladdr(found, &place) && !strcmp(place.dli_fname, here.dli_fname)) {
            *function = found;
            break;
        }
    }
    if (getenv("FAKE_TRACE")) fprintf(stderr, "%s %s\n", name, *function == (void *)ok ? "-" : "+");
    if (status) *status = 0;
    return 0;
}
int cuGetProcAddress(const char *name, void **function, int version, uint64_t flags) {
    return cuGetProcAddress_v2(name, function, version, flags, 0);
}
