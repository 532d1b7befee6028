// Sums over the rows of a matrix, such as the gradients of a bias, with the same order of additions
// for any number of threads.
#ifndef S2S_ROW_SUMS_H_
#define S2S_ROW_SUMS_H_

#include <algorithm>
#include <cstdint>
#include <mutex>

#include "parallel.h"

namespace s2s {

// Calls work(start, end, sums) for blocks of rows, on many threads; work adds what its rows
// contribute to sums [columns], which are 0 before. Then writes the totals of all blocks.
template <typename Work>
void SumOverRows(tensorflow::OpKernelContext* context, int64_t rows, int64_t columns, float* totals,
                 const Work& work) {
  constexpr int64_t kBlockRows = 32;
  constexpr int64_t kBlockColumns = 256;
  static ScratchBuffer buffer;
  std::lock_guard<std::mutex> lock(SharedBufferMutex());
  const int64_t blocks = CeilDiv(rows, kBlockRows);
  float* sums = buffer.Get<float>(blocks * columns);
  ParallelForBlocks(context, rows, kBlockRows, [&](int64_t start, int64_t end) {
    float* block_sums = sums + start / kBlockRows * columns;
    std::fill_n(block_sums, columns, 0.0f);
    work(start, end, block_sums);
  });
  ParallelForBlocks(context, columns, kBlockColumns, [&](int64_t start, int64_t end) {
    std::fill(totals + start, totals + end, 0.0f);
    for (int64_t block = 0; block < blocks; ++block) {
      const float* block_sums = sums + block * columns;
#pragma omp simd
      for (int64_t column = start; column < end; ++column) totals[column] += block_sums[column];
    }
  });
}

}  // namespace s2s

#endif  // S2S_ROW_SUMS_H_
