// Blocking, packing and micro-kernel after Goto and van de Geijn 2008, "Anatomy of High-Performance
// Matrix Multiplication".
#include "sgemm.h"

#include <algorithm>
#include <array>
#include <utility>

#include "dtype.h"
#include "parallel.h"

namespace s2s {
namespace {

#if defined(__AVX512F__)
constexpr int64_t kLanes = 16;
// As oneDNN adds up to 1024 products on these processors, so that both give the same bits.
constexpr int64_t kDepth = 512;
#else
#if defined(__AVX__)
constexpr int64_t kLanes = 8;
#else
constexpr int64_t kLanes = 4;
#endif
// Rows of a panel that are multiplied before the next panel's: with the left factor they fit into
// the first-level cache.
constexpr int64_t kDepth = 256;
#endif
// Columns of a panel: two vector registers. A tile of the result, kTileRows times a panel, takes
// three quarters of the 16 registers, or 32 with AVX-512.
constexpr int64_t kPanelColumns = 2 * kLanes;

typedef float Vector __attribute__((vector_size(kLanes * sizeof(float)), aligned(sizeof(float))));

// Rows of the left factor: element (row, k) is data[row * row_stride + k * kStep].
struct LeftTile {
  const float* data;
  int64_t row_stride;
};

// `depth` rows of a panel of the right factor.
struct Panel {
  const float* data;
  int64_t depth;
  // Columns that are not padding.
  int64_t width;
  // Whether these are the first rows: their product overwrites the result, others are added to it.
  bool first;
};

// Multiplies a tile of kRows rows with a panel.
template <int kRows, int kStep>
void MicroKernel(const LeftTile& left, const Panel& panel, const MatrixView<float>& result) {
  Vector sums[kRows][2] = {};
  for (int64_t k = 0; k < panel.depth; ++k) {
    const float* panel_row = panel.data + k * kPanelColumns;
    const float* left_column = left.data + k * kStep;
    const Vector right[2] = {*reinterpret_cast<const Vector*>(panel_row),
                             *reinterpret_cast<const Vector*>(panel_row + kLanes)};
#pragma GCC unroll 12
    for (int row = 0; row < kRows; ++row) {
      const float factor = left_column[row * left.row_stride];
      sums[row][0] += factor * right[0];
      sums[row][1] += factor * right[1];
    }
  }
  for (int row = 0; row < kRows; ++row) {
    float* result_row = result[row];
    if (panel.width == kPanelColumns) {
      for (int half = 0; half < 2; ++half) {
        Vector* target = reinterpret_cast<Vector*>(result_row + half * kLanes);
        *target = panel.first ? sums[row][half] : *target + sums[row][half];
      }
    } else {
      for (int64_t column = 0; column < panel.width; ++column) {
        const float sum = sums[row][column / kLanes][column % kLanes];
        result_row[column] = (panel.first ? 0.0f : result_row[column]) + sum;
      }
    }
  }
}

// Micro-kernels by their number of rows, less 1.
using Kernel = decltype(&MicroKernel<1, 1>);

template <int kStep, int... kRowsLessOne>
constexpr std::array<Kernel, kTileRows> Kernels(std::integer_sequence<int, kRowsLessOne...>) {
  return {MicroKernel<kRowsLessOne + 1, kStep>...};
}

constexpr auto kRowMajorKernels = Kernels<1>(std::make_integer_sequence<int, kTileRows>());
constexpr auto kPackedLeftKernels =
    Kernels<kTileRows>(std::make_integer_sequence<int, kTileRows>());

// Packs a left factor [rows, depth] whose rows are not contiguous into tiles [depth, kTileRows], so
// that a micro-kernel reads consecutive numbers.
void PackLeft(const StridedMatrix& left, int64_t rows, int64_t depth, float* packed) {
  for (int64_t k = 0; k < depth; ++k) {
    for (int64_t row = 0; row < rows; row += kTileRows) {
      const float* from = left.At(row, k);
      float* to = packed + row * depth + k * kTileRows;
      const int64_t height = std::min(kTileRows, rows - row);
      for (int64_t i = 0; i < height; ++i) to[i] = from[i * left.row_stride];
    }
  }
}

void MultiplyPackedLeft(const float* packed_left, int64_t rows, const Panel& panel,
                        const MatrixView<float>& result) {
  for (int64_t row = 0; row < rows; row += kTileRows) {
    const int64_t height = std::min(kTileRows, rows - row);
    const LeftTile tile{packed_left + row * panel.depth, 1};
    kPackedLeftKernels[height - 1](tile, panel, {result[row], result.stride});
  }
}

void MultiplyRowMajor(const StridedMatrix& left, int64_t rows, const Panel& panel,
                      const MatrixView<float>& result) {
  // Tiles of nearly equal height, because low ones are slow.
  int64_t tiles = CeilDiv(rows, kTileRows);
  for (int64_t row = 0; row < rows; --tiles) {
    const int64_t height = CeilDiv(rows - row, tiles);
    const LeftTile tile{left.At(row, 0), left.row_stride};
    kRowMajorKernels[height - 1](tile, panel, {result[row], result.stride});
    row += height;
  }
}

}  // namespace

size_t PackedFloats(int64_t inner, int64_t columns) {
  return inner * RoundUp(columns, kPanelColumns);
}

template <typename Element>
void PackFloats(const StridedView<Element>& matrix, int64_t inner, int64_t columns, float* packed) {
  // Few rows of all panels at a time: either the reads or the writes jump, and stay in the cache.
  constexpr int64_t kBlockRows = 16;
  for (int64_t start = 0; start < inner; start += kBlockRows) {
    const int64_t end = std::min(inner, start + kBlockRows);
    for (int64_t column = 0; column < columns; column += kPanelColumns) {
      const int64_t width = std::min(kPanelColumns, columns - column);
      float* panel = PackedColumn(packed, inner, column);
      for (int64_t row = start; row < end; ++row) {
        const Element* from = matrix.At(row, column);
        float* to = panel + row * kPanelColumns;
        for (int64_t i = 0; i < width; ++i) to[i] = ToFloat(from[i * matrix.column_stride]);
        std::fill(to + width, to + kPanelColumns, 0.0f);
      }
    }
  }
}

template void PackFloats(const StridedView<float>&, int64_t, int64_t, float*);
template void PackFloats(const StridedView<Bfloat16>&, int64_t, int64_t, float*);

void Sgemm(const StridedMatrix& left, const float* packed, int64_t rows, int64_t inner,
           int64_t columns, float* result) {
  thread_local ScratchBuffer left_buffer;
  const bool pack_left = left.column_stride != 1;
  for (int64_t start = 0; start < inner; start += kDepth) {
    const int64_t depth = std::min(kDepth, inner - start);
    const StridedMatrix left_slice = left.From(0, start);
    float* packed_left = nullptr;
    if (pack_left) {
      packed_left = left_buffer.Get<float>((rows + kTileRows) * depth);
      PackLeft(left_slice, rows, depth, packed_left);
    }
    for (int64_t column = 0; column < columns; column += kPanelColumns) {
      const float* panel_start = packed + column * inner;
      const Panel panel{panel_start + start * kPanelColumns, depth,
                        std::min(kPanelColumns, columns - column), start == 0};
      const MatrixView<float> result_panel{result + column, columns};
      if (pack_left)
        MultiplyPackedLeft(packed_left, rows, panel, result_panel);
      else
        MultiplyRowMajor(left_slice, rows, panel, result_panel);
    }
  }
}

}  // namespace s2s
