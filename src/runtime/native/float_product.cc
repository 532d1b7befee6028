#include "float_product.h"

#include <algorithm>

#include "parallel.h"

namespace s2s {
namespace {

// Columns are packed in panels as wide as two vector registers; a tile of the result, kTileRows
// times a panel, stays in registers (Goto and van de Geijn 2008, "Anatomy of high-performance
// matrix multiplication").
#if defined(__AVX__)
constexpr int64_t kLanes = 8;
#else
constexpr int64_t kLanes = 4;
#endif
constexpr int64_t kPanel = 2 * kLanes;
// Rows of a panel that are multiplied before the next panel's: they fit into the first cache of a
// core beside the left factor.
constexpr int64_t kDepth = 256;

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float))));

int64_t Panels(int64_t columns) { return (columns + kPanel - 1) / kPanel; }

// Left factor of a tile: element (row, k) is data[row * row_stride + k * step].
struct TileRows {
  const float* data;
  int64_t row_stride;
};

// A tile of the result from `depth` numbers of each of its rows, added to what is there unless it
// is the first part.
template <int Rows, int Step>
void Tile(const TileRows& left, const float* panel, int64_t depth, bool first, float* result,
          int64_t columns, int64_t width) {
  Vector sums[Rows][2] = {};
  for (int64_t k = 0; k < depth; ++k) {
    const Vector right[2] = {*reinterpret_cast<const Vector*>(panel + k * kPanel),
                             *reinterpret_cast<const Vector*>(panel + k * kPanel + kLanes)};
#pragma GCC unroll 8
    for (int row = 0; row < Rows; ++row) {
      const float factor = left.data[row * left.row_stride + k * Step];
      sums[row][0] += factor * right[0];
      sums[row][1] += factor * right[1];
    }
  }
  for (int row = 0; row < Rows; ++row) {
    float* to = result + row * columns;
    if (width == kPanel) {
      for (int half = 0; half < 2; ++half) {
        Vector* target = reinterpret_cast<Vector*>(to + half * kLanes);
        *target = first ? sums[row][half] : *target + sums[row][half];
      }
    } else {
      for (int64_t column = 0; column < width; ++column)
        to[column] = (first ? 0.0f : to[column]) + sums[row][column / kLanes][column % kLanes];
    }
  }
}

using TileFunction = decltype(&Tile<1, 1>);
constexpr TileFunction kTiles[kTileRows] = {Tile<1, 1>, Tile<2, 1>, Tile<3, 1>,
                                            Tile<4, 1>, Tile<5, 1>, Tile<6, 1>};
constexpr TileFunction kTurnedTiles[kTileRows] = {Tile<1, kTileRows>, Tile<2, kTileRows>,
                                                  Tile<3, kTileRows>, Tile<4, kTileRows>,
                                                  Tile<5, kTileRows>, Tile<6, kTileRows>};

// Some columns of a left factor that lies in memory column by column, so that the numbers of a tile
// come one after the other.
void Turn(const Strided& left, int64_t rows, int64_t start, int64_t depth, float* turned) {
  for (int64_t k = 0; k < depth; ++k) {
    const float* from = left.data + (start + k) * left.column_stride;
    for (int64_t row = 0; row < rows; row += kTileRows) {
      float* to = turned + row * depth + k * kTileRows;
      for (int64_t i = 0; i < std::min(kTileRows, rows - row); ++i)
        to[i] = from[(row + i) * left.row_stride];
    }
  }
}

}  // namespace

size_t PackedFloats(int64_t inner, int64_t columns) { return inner * Panels(columns) * kPanel; }

void PackFloats(const Strided& matrix, int64_t inner, int64_t columns, float* packed) {
  // A square at a time, so that the reads or the writes that jump stay in the cache.
  constexpr int64_t kRows = 16;
  for (int64_t start = 0; start < inner; start += kRows) {
    for (int64_t column = 0; column < columns; column += kPanel) {
      const int64_t width = std::min(kPanel, columns - column);
      for (int64_t row = start; row < std::min(inner, start + kRows); ++row) {
        float* to = packed + column * inner + row * kPanel;
        const float* from = matrix.data + row * matrix.row_stride + column * matrix.column_stride;
        for (int64_t i = 0; i < width; ++i) to[i] = from[i * matrix.column_stride];
        std::fill(to + width, to + kPanel, 0.0f);
      }
    }
  }
}

void MultiplyFloats(const Strided& left, const float* packed, int64_t rows, int64_t inner,
                    int64_t columns, float* result) {
  thread_local Buffer memory;
  const bool turn = left.column_stride != 1;
  for (int64_t start = 0; start < inner; start += kDepth) {
    const int64_t depth = std::min(kDepth, inner - start);
    float* turned = turn ? memory.Get<float>((rows + kTileRows) * depth) : nullptr;
    if (turn) Turn(left, rows, start, depth, turned);
    for (int64_t column = 0; column < columns; column += kPanel) {
      const float* panel = packed + column * inner + start * kPanel;
      // As many rows for each tile where that is free to choose: small tiles are slow.
      int64_t tiles = (rows + kTileRows - 1) / kTileRows;
      for (int64_t row = 0, count; row < rows; row += count, --tiles) {
        count = turn ? std::min(kTileRows, rows - row) : (rows - row + tiles - 1) / tiles;
        const TileRows tile =
            turn ? TileRows{turned + row * depth, 1}
                 : TileRows{left.data + row * left.row_stride + start, left.row_stride};
        (turn ? kTurnedTiles : kTiles)[count - 1](tile, panel, depth, start == 0,
                                                  result + row * columns + column, columns,
                                                  std::min(kPanel, columns - column));
      }
    }
  }
}

}  // namespace s2s
