// Parallel loops on TensorFlow's threads, and scratch memory that lives from call to call.
#ifndef S2S_PARALLEL_H_
#define S2S_PARALLEL_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>

namespace tensorflow {
class OpKernelContext;
}

namespace s2s {

constexpr int64_t CeilDiv(int64_t value, int64_t divisor) {
  return (value + divisor - 1) / divisor;
}

constexpr int64_t RoundUp(int64_t value, int64_t multiple) {
  return CeilDiv(value, multiple) * multiple;
}

// Number of threads that ParallelFor uses, with the calling one.
int ThreadCount(tensorflow::OpKernelContext* context);

// Calls work(0) ... work(count - 1), once each and in any order, on TensorFlow's threads and the
// calling one. Threads take one index after the other, so that a thread that another process slows
// down does not delay the rest. Inside, oneDNN computes on the calling thread alone. An exception
// thrown by `work` is rethrown here after all threads have finished.
void ParallelFor(tensorflow::OpKernelContext* context, int64_t count,
                 const std::function<void(int64_t)>& work);

// Calls work(start, end) for consecutive blocks of `block` indices of 0 ... count - 1, of which the
// last may be smaller; otherwise like ParallelFor.
template <typename Work>
void ParallelForBlocks(tensorflow::OpKernelContext* context, int64_t count, int64_t block,
                       const Work& work) {
  ParallelFor(context, CeilDiv(count, block),
              [&](int64_t index) { work(index * block, std::min(count, (index + 1) * block)); });
}

// Runs the body of an op. An exception, such as oneDNN's, becomes the error of the op instead of
// ending the process.
void RunWithErrors(tensorflow::OpKernelContext* context, const std::function<void()>& body);

// A buffer that grows and is kept until the process ends: fresh memory costs a page fault every
// 4 KiB, and for the tens of megabytes of a training step they take longer than the arithmetic.
class ScratchBuffer {
 public:
  ~ScratchBuffer();

  // Memory for at least `count` elements, aligned to a cache line. Earlier contents may be lost.
  template <typename Element>
  Element* Get(size_t count) {
    return static_cast<Element*>(Reserve(count * sizeof(Element)));
  }

 private:
  void* Reserve(size_t size);

  void* data_ = nullptr;
  size_t size_ = 0;
};

// Locked by an op while it uses a buffer that all calls share.
std::mutex& SharedBufferMutex();

}  // namespace s2s

#endif  // S2S_PARALLEL_H_
