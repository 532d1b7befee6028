// Products with a matrix that S2sPack has packed in slices of columns, for ops that consume the
// product block by block instead of storing all of it.
#ifndef S2S_PACKED_SLICES_H_
#define S2S_PACKED_SLICES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "dtype.h"
#include "matrix_view.h"
#include "packed_matrix.h"
#include "parallel.h"

namespace s2s {

// With its rows of the left factor, a slice fits into the second-level cache of a core; and threads
// can share the product of a single row.
constexpr int64_t kSliceColumns = 256;

// How a matrix [inner, columns] is packed: in slices, one after the other.
struct PackedSlices {
  PackedSlices(int64_t inner, int64_t columns, Dtype dtype)
      : inner(inner), columns(columns), dtype(dtype), count(CeilDiv(columns, kSliceColumns)) {}

  int64_t FirstColumn(int64_t slice) const { return slice * kSliceColumns; }
  int64_t Columns(int64_t slice) const {
    return std::min(kSliceColumns, columns - FirstColumn(slice));
  }
  // In bytes; all slices but the last have the same size.
  size_t Offset(int64_t slice) const {
    return slice == 0 ? 0 : slice * PackedMatrix::Size(inner, kSliceColumns, dtype);
  }
  size_t Size() const {
    return Offset(count - 1) + PackedMatrix::Size(inner, Columns(count - 1), dtype);
  }
  PackedMatrix At(int64_t slice, const void* memory) const {
    char* start = const_cast<char*>(static_cast<const char*>(memory)) + Offset(slice);
    return PackedMatrix(inner, Columns(slice), dtype, start);
  }

  int64_t inner;
  int64_t columns;
  Dtype dtype;
  int64_t count;
};

// A block of a product: some rows, with the columns of one slice.
struct ProductBlock {
  int64_t slice;
  int64_t first_row;
  int64_t rows;
  int64_t first_column;
  int64_t columns;
  // [rows, columns], which the consumer may overwrite.
  MatrixView<float> values;
};

// The product of `rows` rows with a slice, in scratch memory of the thread. The rows are copied if
// they have to be rounded or padded.
inline float* MultiplySlice(const PackedSlices& slices, int64_t slice, const void* memory,
                            const float* left, int64_t rows) {
  thread_local ScratchBuffer left_buffer;
  thread_local ScratchBuffer result_buffer;
  const int64_t padded_rows = PackedMatrix::PaddedRows(rows);
  const int64_t elements = rows * slices.inner;
  float* result = result_buffer.Get<float>(padded_rows * slices.Columns(slice));
  const void* factor = left;
  if (slices.dtype == Dtype::kBfloat16) {
    auto* rounded = left_buffer.Get<Bfloat16>(padded_rows * slices.inner);
    for (int64_t i = 0; i < elements; ++i) rounded[i] = ToBfloat16(left[i]);
    factor = rounded;
  } else if (padded_rows != rows) {
    auto* padded = left_buffer.Get<float>(padded_rows * slices.inner);
    std::copy_n(left, elements, padded);
    factor = padded;
  }
  slices.At(slice, memory).Multiply(factor, rows, result);
  return result;
}

// Multiplies left [rows, inner] with all slices and calls consume(block) once for each block of the
// product, on many threads.
template <typename Consume>
void ForEachProductBlock(tensorflow::OpKernelContext* context, const PackedSlices& slices,
                         const void* memory, const MatrixView<const float>& left, int64_t rows,
                         const Consume& consume) {
  constexpr int64_t kMaxBlockRows = 256;
  constexpr int64_t kMinBlockRows = 16;
  // With fewer slices than threads, this many threads share the rows of a slice. Blocks of nearly
  // equal height, because low ones are slow.
  const int64_t threads_per_slice = CeilDiv(ThreadCount(context), slices.count);
  const int64_t row_blocks = std::max<int64_t>(
      {1, CeilDiv(rows, kMaxBlockRows), std::min(threads_per_slice, rows / kMinBlockRows)});
  const int64_t block_rows = PackedMatrix::PaddedRows(CeilDiv(rows, row_blocks));
  // With enough slices, a slice stays in the cache of one core for all blocks of rows.
  const bool share_rows = threads_per_slice > 1;
  const int64_t tasks_per_slice = share_rows ? row_blocks : 1;
  ParallelFor(context, slices.count * tasks_per_slice, [&](int64_t task) {
    const int64_t slice = task / tasks_per_slice;
    const int64_t begin = share_rows ? task % tasks_per_slice * block_rows : 0;
    const int64_t end = share_rows ? std::min(rows, begin + block_rows) : rows;
    for (int64_t start = begin; start < end; start += block_rows) {
      const int64_t count = std::min(block_rows, end - start);
      const int64_t columns = slices.Columns(slice);
      float* values = MultiplySlice(slices, slice, memory, left[start], count);
      consume(
          ProductBlock{slice, start, count, slices.FirstColumn(slice), columns, {values, columns}});
    }
  });
}

}  // namespace s2s

#endif  // S2S_PACKED_SLICES_H_
