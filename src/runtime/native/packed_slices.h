// Products with a matrix that S2sPack laid out, slice by slice, for ops that take them as they
// come.
#ifndef S2S_PACKED_SLICES_H_
#define S2S_PACKED_SLICES_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "numbers.h"
#include "product.h"

namespace s2s {

// The matrix is packed in slices of so many columns, which fit into the second cache of a core
// beside the rows, and let threads share the work of a single row.
constexpr int64_t kSliceColumns = 256;

// The slices of a matrix: where each starts, in columns and in bytes.
struct Slices {
  Slices(int64_t inner, int64_t columns, bool half)
      : inner(inner),
        columns(columns),
        half(half),
        count(static_cast<int>((columns + kSliceColumns - 1) / kSliceColumns)) {}

  int64_t Start(int slice) const { return slice * kSliceColumns; }
  int64_t Columns(int slice) const { return std::min(kSliceColumns, columns - Start(slice)); }
  // All slices but the last are alike.
  size_t Offset(int slice) const {
    return slice == 0 ? 0 : slice * PackedMatrix::Size(inner, kSliceColumns, half);
  }
  size_t Size() const {
    return Offset(count - 1) + PackedMatrix::Size(inner, Columns(count - 1), half);
  }
  PackedMatrix At(int slice, const void* memory) const {
    return PackedMatrix(inner, Columns(slice), half,
                        const_cast<char*>(static_cast<const char*>(memory)) + Offset(slice));
  }

  int64_t inner, columns;
  bool half;
  int count;
};

// The product [count, width] of some rows with a slice, in memory of the thread. The rows are
// copied where they are rounded, and where others beyond the last would be read.
inline float* SliceProduct(const Slices& slices, int slice, const void* memory, const float* rows,
                           int64_t count) {
  thread_local Buffer left_buffer, result_buffer;
  const int64_t touched = PackedMatrix::RowsTouched(count);
  float* result = result_buffer.Get<float>(touched * slices.Columns(slice));
  const void* left = rows;
  if (slices.half) {
    auto* rounded = left_buffer.Get<Half>(touched * slices.inner);
    for (int64_t i = 0; i < count * slices.inner; ++i) rounded[i] = ToHalf(rows[i]);
    left = rounded;
  } else if (touched != count) {
    float* copy = left_buffer.Get<float>(touched * slices.inner);
    std::copy_n(rows, count * slices.inner, copy);
    left = copy;
  }
  slices.At(slice, memory).Multiply(left, count, result);
  return result;
}

// Multiplies [rows, inner] with all slices, and calls take(slice, start, count, product) with each
// piece: the product [count, width] of rows start ... start + count - 1, which it may change. On
// many threads, but one piece of a row's slice once.
template <typename Take>
void ForEachSliceProduct(tensorflow::OpKernelContext* context, const Slices& slices,
                         const void* memory, const float* left, int64_t rows, const Take& take) {
  constexpr int64_t kMostRows = 256, kFewRows = 16;
  // Where there are fewer slices than threads, they share the rows too. As many in each block:
  // small ones are slow.
  const int64_t sharing = (Threads(context) + slices.count - 1) / slices.count;
  const int64_t blocks = std::max<int64_t>(
      {1, (rows + kMostRows - 1) / kMostRows, std::min(sharing, rows / kFewRows)});
  const int64_t block = PackedMatrix::RowsTouched((rows + blocks - 1) / blocks);
  // Elsewhere a slice stays in the cache of a core while the blocks of rows pass by.
  const int parts = static_cast<int>(sharing > 1 ? blocks : 1);
  ForEach(context, slices.count * parts, [&](int task) {
    const int slice = task / parts;
    const int64_t begin = sharing > 1 ? task % parts * block : 0,
                  end = sharing > 1 ? std::min(rows, begin + block) : rows;
    for (int64_t start = begin; start < end; start += block) {
      const int64_t count = std::min(block, end - start);
      take(slice, start, count,
           SliceProduct(slices, slice, memory, left + start * slices.inner, count));
    }
  });
}

}  // namespace s2s

#endif  // S2S_PACKED_SLICES_H_
