#include "parallel.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <new>

#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/lib/core/threadpool.h"
#include "tensorflow/core/platform/blocking_counter.h"

// Of the OpenMP runtime that oneDNN uses. Its own threads would keep spinning after every call and
// take processor time from TensorFlow's.
extern "C" void omp_set_num_threads(int);

namespace s2s {

int ThreadCount(tensorflow::OpKernelContext* context) {
  return context->device()->tensorflow_cpu_worker_threads()->num_threads;
}

void ParallelFor(tensorflow::OpKernelContext* context, int64_t count,
                 const std::function<void(int64_t)>& work) {
  std::atomic<int64_t> next{0};
  std::exception_ptr failure;
  std::mutex failure_mutex;
  const auto worker = [&] {
    omp_set_num_threads(1);
    try {
      for (int64_t index = next++; index < count; index = next++) work(index);
    } catch (...) {
      std::lock_guard<std::mutex> lock(failure_mutex);
      failure = std::current_exception();
      next = count;
    }
  };
  const int64_t helpers = std::max<int64_t>(0, std::min<int64_t>(count, ThreadCount(context)) - 1);
  tensorflow::BlockingCounter running(static_cast<int>(helpers));
  auto* pool = context->device()->tensorflow_cpu_worker_threads()->workers;
  for (int64_t i = 0; i < helpers; ++i) {
    pool->Schedule([&] {
      worker();
      running.DecrementCount();
    });
  }
  worker();
  running.Wait();
  if (failure != nullptr) std::rethrow_exception(failure);
}

void RunWithErrors(tensorflow::OpKernelContext* context, const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& error) {
    context->CtxFailure(tensorflow::errors::Internal(error.what()));
  }
}

ScratchBuffer::~ScratchBuffer() { std::free(data_); }

void* ScratchBuffer::Reserve(size_t size) {
  if (size <= size_) return data_;
  constexpr size_t kHugePage = size_t{2} << 20;
  const size_t rounded = (size + kHugePage - 1) / kHugePage * kHugePage;
  std::free(data_);
  data_ = std::aligned_alloc(kHugePage, rounded);
  if (data_ == nullptr) {
    size_ = 0;
    throw std::bad_alloc();
  }
  madvise(data_, rounded, MADV_HUGEPAGE);
  size_ = rounded;
  return data_;
}

std::mutex& SharedBufferMutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace s2s
