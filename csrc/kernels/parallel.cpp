#include "kernels/parallel.h"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace penlight::parallel {

namespace {

thread_local bool inside_chunk = false;

constexpr int kMostThreads = 256;  // more than any number of chunks keeps busy

void relax() {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

// The core that the calling thread runs on, or -1 where that is not known.
int current_core() {
#if defined(__linux__)
  return sched_getcpu();
#else
  return -1;
#endif
}

// Moves the calling thread to another of the cores it may use, if they are enough for so many threads. Linux
// wakes a thread where it slept, though the one that woke it is at work there and the next core is free, or
// has only work of the lowest priority: on some machines the two then share a core for as long as a loop
// runs.
void leave_core([[maybe_unused]] int core, [[maybe_unused]] int threads) {
#if defined(__linux__)
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) < threads) return;
  cpu_set_t others = allowed;
  CPU_CLR(core, &others);
  if (CPU_COUNT(&others) > 0 && sched_setaffinity(0, sizeof(others), &others) == 0)
    sched_setaffinity(0, sizeof(allowed), &allowed);
#endif
}

// Workers wait for a new generation number, first spinning for a few microseconds (a training step calls the
// pool every few), then asleep.
//
// Every thread has a share of the chunks, neighbours of each other, and takes from the others' when its own
// is done. So it walks through memory in order, where what the processor fetches ahead is its own, and finds
// in its cache what it left there in a loop of the same size before.
class Pool {
 public:
  // Where the system has no more threads to give, those it gave have to do: results are the same.
  explicit Pool(int workers) : shares_(new Share[static_cast<std::size_t>(workers) + 1]) {
    try {
      for (int i = 1; i <= workers; ++i) threads_.emplace_back([this, i] { work(i); });
    } catch (const std::exception&) {
    }
  }
  ~Pool() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

  void run(int64_t n, int64_t grain, detail::ChunkBody body, void* context) {
    n_ = n;
    grain_ = grain;
    body_ = body;
    context_ = context;
    deal_out(chunk_count(n, grain));
    core_.store(current_core(), std::memory_order_relaxed);
    running_.store(static_cast<int>(threads_.size()), std::memory_order_relaxed);
    {
      std::lock_guard lock(mutex_);
      generation_.fetch_add(1, std::memory_order_release);
    }
    wake_.notify_all();
    inside_chunk = true;
    take_chunks(0);
    inside_chunk = false;
    for (int spin = 0; running_.load(std::memory_order_acquire) > 0; ++spin) {
      if (spin < 2000)
        relax();
      else
        std::this_thread::yield();  // a worker without a core of its own gets this one
    }
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

 private:
  struct alignas(64) Share {
    std::atomic<int64_t> next{0};
    int64_t end = 0;
  };

  void deal_out(int64_t chunks) {
    const auto people = static_cast<int64_t>(threads_.size()) + 1;
    int64_t begin = 0;
    for (int64_t i = 0; i < people; ++i) {
      shares_[i].next.store(begin, std::memory_order_relaxed);
      shares_[i].end = begin += chunks / people + (i < chunks % people);
    }
  }

  void take_chunks(int self) {
    const int people = static_cast<int>(threads_.size()) + 1;
    for (int i = 0; i < people; ++i) {
      Share& share = shares_[(self + i) % people];
      for (;;) {
        const int64_t chunk = share.next.fetch_add(1, std::memory_order_relaxed);
        if (chunk >= share.end) break;
        run_chunk(chunk * grain_);
      }
    }
  }

  void run_chunk(int64_t begin) {
    try {
      body_(context_, begin, n_ - begin < grain_ ? n_ : begin + grain_);
    } catch (...) {
      std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
    }
  }

  void work(int self) {
    inside_chunk = true;
    uint64_t seen = 0;
    for (;;) {
      for (int spin = 0; spin < 2000 && generation_.load(std::memory_order_acquire) == seen; ++spin) relax();
      if (generation_.load(std::memory_order_acquire) == seen) {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return generation_.load(std::memory_order_relaxed) != seen; });
      }
      seen = generation_.load(std::memory_order_acquire);
      if (stop_) return;
      if (const int core = current_core(); core >= 0 && core == core_.load(std::memory_order_relaxed))
        leave_core(core, static_cast<int>(threads_.size()) + 1);
      take_chunks(self);
      running_.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  std::unique_ptr<Share[]> shares_;  // the caller's and one for each worker
  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::atomic<uint64_t> generation_{0};
  std::atomic<int> running_{0}, core_{-1};  // workers that are not done; where the caller runs
  bool stop_ = false;
  std::exception_ptr failure_;
  int64_t n_ = 0, grain_ = 1;
  detail::ChunkBody body_ = nullptr;
  void* context_ = nullptr;
};

int default_threads() {
  for (const char* name : {"PENLIGHT_NUM_THREADS", "OMP_NUM_THREADS"})
    if (const char* text = std::getenv(name))
      if (const int count = std::atoi(text); count > 0) return count;
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  return cores > 0 ? cores : 1;
}

std::atomic<int> wanted_threads{0};  // 0: not decided yet
std::mutex pool_mutex;               // held while a loop runs on the pool
Pool* pool = nullptr;                // kept to the end of the process: joining at exit could hang
int pool_threads = 1;

// A forked child has none of the parent's workers: it forgets the pool (never joins it) and makes its own.
void forget_pool_after_fork() {
  pool = nullptr;
  pool_threads = 1;
  inside_chunk = false;
  new (&pool_mutex) std::mutex;
}

[[maybe_unused]] const int fork_handler = pthread_atfork(nullptr, nullptr, forget_pool_after_fork);

}  // namespace

int num_threads() {
  int count = wanted_threads.load(std::memory_order_relaxed);
  if (count == 0) {
    count = default_threads();
    wanted_threads.store(count, std::memory_order_relaxed);
  }
  return count;
}

void set_num_threads(int count) {
  wanted_threads.store(count < 1 ? 1 : count, std::memory_order_relaxed);
}

namespace detail {

void run(int64_t n, int64_t grain, ChunkBody body, void* context) {
  const int threads = num_threads();
  if (threads > 1 && n > grain && !inside_chunk) {
    if (std::unique_lock lock(pool_mutex, std::try_to_lock); lock.owns_lock()) {
      if (pool_threads != threads) {
        delete pool;
        pool = nullptr;
        pool = new Pool(std::min(threads, kMostThreads) - 1);
        pool_threads = threads;
      }
      return pool->run(n, grain, body, context);
    }
  }
  for (int64_t begin = 0; begin < n; begin += grain)
    body(context, begin, n - begin < grain ? n : begin + grain);
}

}  // namespace detail

}  // namespace penlight::parallel
