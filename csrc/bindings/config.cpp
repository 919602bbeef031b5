// What the core runs on.
#include <atomic>
#include <chrono>

#include "bindings/python.h"
#include "kernels/isa.h"
#include "kernels/parallel.h"
#include "kernels/probe.h"
#include "kernels/scratch.h"

namespace penlight::bindings {

namespace {

template <class F>
double seconds(F work) {
  const auto started = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

// GFLOP/s of multiply-adds in registers, on all threads set.
double probe_fma(bool in_double) {
  const int threads = parallel::num_threads();
  constexpr int kPieces = 16;  // for each thread, so that one that wakes late still shares the work
  std::atomic<int64_t> operations{0};
  const double time = seconds([&] {
    parallel::parallel_for(kPieces * threads, 1, [&](int64_t, int64_t) {
      volatile double sink;
      float single;
      double twice;
      operations +=
          in_double ? kernels::probe().fma_double(50000, &twice) : kernels::probe().fma_float(50000, &single);
      sink = in_double ? twice : single;
      (void)sink;
    });
  });
  return static_cast<double>(operations) / time / 1e9;
}

// GB/s read and written by one pass over arrays of 16 MiB each, as the benchmarks use them, on all threads
// set.
double probe_stream(const std::string& name) {
  using kernels::Stream;
  const std::pair<const char*, std::pair<Stream, int>> kinds[] = {
      {"read", {Stream::read, 1}},
      {"copy", {Stream::copy, 2}},
      {"copy streaming", {Stream::copy_streaming, 2}},
      {"triad", {Stream::triad, 3}}};
  for (const auto& [kind, how] : kinds) {
    if (name != kind) continue;
    constexpr int64_t n = int64_t(4) << 20, chunk = int64_t(1) << 16;
    const kernels::Scratch memory(3 * n, sizeof(float));
    float* a = static_cast<float*>(memory.get());
    std::fill_n(a, 3 * n, 1.0f);
    double best = 1e30;
    for (int pass = 0; pass < 8; ++pass)
      best = std::min(best, seconds([&, stream = how.first] {
                        parallel::parallel_for(n, chunk, [&](int64_t begin, int64_t end) {
                          volatile float sink = kernels::probe().stream(stream, a + begin, a + n + begin,
                                                                        a + 2 * n + begin, end - begin);
                          (void)sink;
                        });
                      }));
    return static_cast<double>(how.second * n * 4) / best / 1e9;
  }
  fail<ValueError>("_probe_stream(): unknown loop '", name, "'");
}

void bind(nb::module_& m, TensorClass&) {
  m.def("_get_num_threads", parallel::num_threads);
  m.def("_set_num_threads", parallel::set_num_threads, "count"_a);
  m.def("_instruction_set", [] { return kernels::isa_name(kernels::current_isa()); });
  m.def("_probe_fma", probe_fma, "double"_a = false, "Multiply-adds in registers, GFLOP/s.");
  m.def("_probe_stream", probe_stream, "name"_a, "A pass over memory, GB/s read and written.");
  m.def("_memory_use", [] {
    const MemoryUse use = memory_use();
    return nb::make_tuple(use.allocated, use.most_allocated, use.cached, use.cache_limit);
  });
  m.def("_reset_most_allocated", reset_most_allocated);
  m.def("_set_cache_limit", set_cache_limit, "bytes"_a);
  m.def("_release_cached_memory", release_cached_memory);
  m.def("_compiler", [] { return std::string("GCC-compatible ") + __VERSION__; });
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings
