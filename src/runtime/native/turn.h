// A matrix whose columns lie in memory one after the other, laid out in rows.
#ifndef S2S_TURN_H_
#define S2S_TURN_H_

#include <algorithm>
#include <cstdint>

#include "float_product.h"
#include "numbers.h"

namespace s2s {

// Writes a matrix [rows, columns] row by row, as float32 or bfloat16.
template <typename Number>
void Turn(const Strided& matrix, int64_t rows, int64_t columns, Number* turned) {
  // Few columns at a time: where they lie a power of two apart, as they do in most models, they
  // share few places of the cache.
  constexpr int64_t kTogether = 8;
  for (int64_t column = 0; column < columns; column += kTogether) {
    const int64_t width = std::min(kTogether, columns - column);
    for (int64_t row = 0; row < rows; ++row) {
      const float* from = matrix.data + row * matrix.row_stride + column * matrix.column_stride;
      for (int64_t i = 0; i < width; ++i)
        turned[row * columns + column + i] = FromFloat<Number>(from[i * matrix.column_stride]);
    }
  }
}

}  // namespace s2s

#endif  // S2S_TURN_H_
