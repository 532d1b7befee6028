// Products of blocks of rows with a packed matrix, for ops whose threads share the rows of a left
// factor.
#ifndef S2S_ROW_BLOCKS_H_
#define S2S_ROW_BLOCKS_H_

#include <algorithm>
#include <cstdint>

#include "packed_matrix.h"
#include "parallel.h"

namespace s2s {

// A partition of rows into the same number of blocks for each thread. The sizes of the blocks
// differ by few rows, so that the threads finish together.
class RowBlocks {
 public:
  RowBlocks(int64_t rows, int64_t threads)
      : rows_(rows),
        units_(CeilDiv(rows, kUnit)),
        count_(std::min(units_, threads * CeilDiv(rows, threads * kMaxBlockRows))) {}

  int64_t Count() const { return count_; }
  int64_t Start(int64_t block) const { return std::min(rows_, units_ * block / count_ * kUnit); }
  int64_t Size(int64_t block) const { return Start(block + 1) - Start(block); }

 private:
  // Rows of a block, which with its part of the result stays in the second-level cache of a core.
  static constexpr int64_t kMaxBlockRows = 128;
  // Only the last block has pad rows.
  static constexpr int64_t kUnit = PackedMatrix::kRowMultiple;

  int64_t rows_;
  int64_t units_;
  int64_t count_;
};

// The rows of a left factor [rows, width] in memory that also has pad rows: `left` itself if it
// needs none, or a copy that is valid until the next call on this thread.
template <typename Element>
const Element* WithPadRows(const Element* left, int64_t rows, int64_t width) {
  const int64_t padded_rows = PackedMatrix::PaddedRows(rows);
  if (padded_rows == rows) return left;
  thread_local ScratchBuffer buffer;
  Element* copy = buffer.Get<Element>(padded_rows * width);
  std::copy_n(left, rows * width, copy);
  return copy;
}

// result [rows, columns] = left [rows, inner], with memory for pad rows, times right. The result
// needs no pad rows.
template <typename Element>
void MultiplyRows(const Element* left, const PackedMatrix& right, int64_t rows, float* result) {
  const int64_t padded_rows = PackedMatrix::PaddedRows(rows);
  if (padded_rows == rows) return right.Multiply(left, rows, result);
  thread_local ScratchBuffer buffer;
  float* padded = buffer.Get<float>(padded_rows * right.Columns());
  right.Multiply(left, rows, padded);
  std::copy_n(padded, rows * right.Columns(), result);
}

}  // namespace s2s

#endif  // S2S_ROW_BLOCKS_H_
