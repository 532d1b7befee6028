// Transposition, with a cast to the dtype of the result.
#ifndef S2S_TRANSPOSE_H_
#define S2S_TRANSPOSE_H_

#include <algorithm>
#include <cstdint>

#include "dtype.h"
#include "matrix_view.h"

namespace s2s {

// Writes a matrix [rows, columns] with contiguous columns in row-major order.
template <typename Element>
void TransposeTo(const StridedMatrix& matrix, int64_t rows, int64_t columns, Element* result) {
  // Few columns at a time: in most models they lie a power of two apart, so that only a few of them
  // fit into one set of the cache.
  constexpr int64_t kBlockColumns = 8;
  for (int64_t column = 0; column < columns; column += kBlockColumns) {
    const int64_t width = std::min(kBlockColumns, columns - column);
    for (int64_t row = 0; row < rows; ++row) {
      const float* from = matrix.At(row, column);
      Element* to = result + row * columns + column;
      for (int64_t i = 0; i < width; ++i)
        to[i] = FromFloat<Element>(from[i * matrix.column_stride]);
    }
  }
}

}  // namespace s2s

#endif  // S2S_TRANSPOSE_H_
