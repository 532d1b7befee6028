#include "parallel.h"

#include <sys/mman.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <new>

#include "tensorflow/core/framework/op_kernel.h"
#include "tensorflow/core/lib/core/threadpool.h"
#include "tensorflow/core/platform/blocking_counter.h"

// Of the OpenMP runtime that oneDNN uses. Threads of its own would go on spinning after every call
// and take the processor from TensorFlow's.
extern "C" void omp_set_num_threads(int);

namespace s2s {

int Threads(tensorflow::OpKernelContext* context) {
  return context->device()->tensorflow_cpu_worker_threads()->num_threads;
}

void ForEach(tensorflow::OpKernelContext* context, int count,
             const std::function<void(int)>& work) {
  std::atomic<int> next{0};
  std::exception_ptr failure;
  std::mutex failing;
  auto worker = [&] {
    omp_set_num_threads(1);
    try {
      for (int index = next++; index < count; index = next++) work(index);
    } catch (...) {
      std::lock_guard<std::mutex> lock(failing);
      failure = std::current_exception();
      next = count;
    }
  };
  const int helpers = std::min(count, Threads(context)) - 1;
  tensorflow::BlockingCounter left(std::max(helpers, 0));
  auto* pool = context->device()->tensorflow_cpu_worker_threads()->workers;
  for (int i = 0; i < helpers; ++i) {
    pool->Schedule([&] {
      worker();
      left.DecrementCount();
    });
  }
  worker();
  left.Wait();
  if (failure != nullptr) std::rethrow_exception(failure);
}

void Guard(tensorflow::OpKernelContext* context, const std::function<void()>& body) {
  try {
    body();
  } catch (const std::exception& error) {
    context->CtxFailure(tensorflow::errors::Internal(error.what()));
  }
}

Buffer::~Buffer() { std::free(data_); }

void* Buffer::Bytes(size_t size) {
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

std::mutex& SharedBuffers() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace s2s
