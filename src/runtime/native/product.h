// Matrix products of some rows with one and the same matrix, by oneDNN, for use on many threads at once.
#ifndef S2S_PRODUCT_H_
#define S2S_PRODUCT_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "parallel.h"

namespace s2s {

// The right factor, cut into tiles and laid out as oneDNN multiplies fastest.
class PackedMatrix {
 public:
  // Cuts the float32 matrix [inner, columns], given in rows, or in columns where it is transposed. The pieces are then
  // packed by Pack(0) ... Pack(Pieces() - 1), on any threads, into `buffer`.
  //
  // half: whether the factors are rounded to bfloat16; sums are float32 anyway.
  void Plan(Buffer* buffer, const float* matrix, bool transposed, int64_t inner, int64_t columns, bool half);
  int Pieces() const { return static_cast<int>(tiles_.size()); }
  void Pack(int piece) const;

  // result [rows, columns] = left [rows, inner] matrix, all in rows without gaps. For any thread.
  void Multiply(const float* left, int64_t rows, float* result) const;

 private:
  struct Tile {
    int64_t inner_start, inner, column_start, columns;
    size_t offset;
  };

  const float* matrix_ = nullptr;
  bool transposed_ = false;
  bool half_ = false;
  int64_t inner_ = 0;
  int64_t columns_ = 0;
  int chunks_ = 0;
  // For each slice of columns the chunks of the inner dimension.
  std::vector<Tile> tiles_;
  char* packed_ = nullptr;
};

}  // namespace s2s

#endif  // S2S_PRODUCT_H_
