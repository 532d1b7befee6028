// Transposition, with a cast to the dtype of the result.
#ifndef S2S_TRANSPOSE_H_
#define S2S_TRANSPOSE_H_

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "dtype.h"
#include "matrix_view.h"

namespace s2s {

// Writes a matrix [rows, columns] with contiguous columns into one with contiguous rows.
template <typename From, typename To>
void TransposeTo(const StridedView<From>& matrix, int64_t rows, int64_t columns,
                 const MatrixView<To>& result) {
  // Through a small tile, so that each cache line is read once and written once: in most models
  // columns or rows lie a power of two apart, and few of them fit into one set of the cache.
  constexpr int64_t kTile = 32;
  From tile[kTile][kTile];
  for (int64_t column = 0; column < columns; column += kTile) {
    const int64_t width = std::min(kTile, columns - column);
    for (int64_t row = 0; row < rows; row += kTile) {
      const int64_t height = std::min(kTile, rows - row);
      for (int64_t i = 0; i < width; ++i) std::copy_n(matrix.At(row, column + i), height, tile[i]);
      for (int64_t j = 0; j < height; ++j) {
        To* to = result[row + j] + column;
        for (int64_t i = 0; i < width; ++i) {
          if constexpr (std::is_same_v<From, To>)
            to[i] = tile[i][j];
          else
            to[i] = FromFloat<To>(ToFloat(tile[i][j]));
        }
      }
    }
  }
}

}  // namespace s2s

#endif  // S2S_TRANSPOSE_H_
