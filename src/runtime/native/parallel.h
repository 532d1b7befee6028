// Work on TensorFlow's own threads, and memory that lives from call to call.
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

// Number of threads that ForEach uses.
int Threads(tensorflow::OpKernelContext* context);

// Calls work(0) ... work(count - 1), each once, on TensorFlow's threads and this one, in no
// particular order. A thread that is done takes the next number, so that one that is held up by
// another process holds up nobody. oneDNN called in there computes on the calling thread alone.
// What work throws is thrown here, when all have ended.
void ForEach(tensorflow::OpKernelContext* context, int count, const std::function<void(int)>& work);

// Calls work(start, end) for pieces of `size` numbers, or less at the end, that together are 0 ...
// count - 1; otherwise as ForEach.
template <typename Work>
void ForEachPiece(tensorflow::OpKernelContext* context, int64_t count, int64_t size,
                  const Work& work) {
  ForEach(context, static_cast<int>((count + size - 1) / size),
          [&](int piece) { work(piece * size, std::min(count, (piece + 1) * size)); });
}

// Runs the body of an op: an exception, such as oneDNN's, becomes the op's error instead of the
// process's end.
void Guard(tensorflow::OpKernelContext* context, const std::function<void()>& body);

// A buffer that grows and is never given back: fresh memory costs a page fault every 4 KiB, which
// for the tens of megabytes of a training step adds up to more than the arithmetic on them.
class Buffer {
 public:
  ~Buffer();
  // At least so many elements, aligned to a cache line; what was in it before may be lost.
  template <typename T>
  T* Get(size_t count) {
    return static_cast<T*>(Bytes(count * sizeof(T)));
  }

 private:
  void* Bytes(size_t size);

  void* data_ = nullptr;
  size_t size_ = 0;
};

// Held by an op while it uses buffers that all calls share.
std::mutex& SharedBuffers();

}  // namespace s2s

#endif  // S2S_PARALLEL_H_
