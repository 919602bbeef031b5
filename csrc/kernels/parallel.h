// Threads: a loop split into fixed chunks, run by a small pool.
//
// The chunks depend on n and grain alone, never on the number of threads, so a kernel that keeps one partial
// result per chunk and joins them in chunk order gives the same bits at any number of threads.
#pragma once

#include <cstdint>

namespace penlight::parallel {

int num_threads();
void set_num_threads(int count);

namespace detail {
using ChunkBody = void (*)(void* context, int64_t begin, int64_t end);
void run(int64_t n, int64_t grain, ChunkBody body, void* context);
}  // namespace detail

// Calls body(begin, end) for every chunk [i*grain, min(n, (i+1)*grain)) exactly once, possibly at the same
// time on several threads; returns when all are done. What a body throws is thrown again by the call. A call
// from inside a chunk, or while another thread of the program holds the pool, runs all chunks on the calling
// thread.
template <class Body>
void parallel_for(int64_t n, int64_t grain, Body&& body) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  detail::run(
      n, grain, [](void* context, int64_t begin, int64_t end) { (*static_cast<Body*>(context))(begin, end); },
      const_cast<void*>(static_cast<const void*>(&body)));
}

// The chunk a begin belongs to is begin / grain; this many chunks there are.
inline int64_t chunk_count(int64_t n, int64_t grain) {
  return n <= 0 ? 0 : (n + grain - 1) / grain;
}

}  // namespace penlight::parallel
