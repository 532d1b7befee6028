#include "product.h"

#include <algorithm>
#include <array>
#include <map>
#include <oneapi/dnnl/dnnl.hpp>

#include "numbers.h"

namespace s2s {
namespace {

// Tiles of the right factor, small enough to stay in a core's second cache while rows pass by.
constexpr int64_t kTileColumns = 256;
constexpr int64_t kTileInner = 512;
// Most rows that are multiplied at once. Fewer are rounded up, so that there are few different shapes of products.
constexpr int64_t kBlockRows = 64;
constexpr int64_t kRowUnit = 8;

using Type = dnnl::memory::data_type;
using Tag = dnnl::memory::format_tag;
using Layout = dnnl::memory::desc;

dnnl::engine& Engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& Stream() {
  thread_local dnnl::stream stream(Engine());
  return stream;
}

// A product of fixed shape.
struct TileProduct {
  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;
};

// [rows, inner] [inner, columns], all without gaps, for which oneDNN has its fastest code; added to what is there or not.
// Making such a product takes some 0.1 ms, so they are kept.
const TileProduct& FindTileProduct(int64_t rows, int64_t inner, int64_t columns, bool half, bool add) {
  thread_local std::map<std::array<int64_t, 5>, TileProduct> products;
  const std::array<int64_t, 5> key{rows, inner, columns, half, add};
  const auto known = products.find(key);
  if (known != products.end()) return known->second;
  dnnl::primitive_attr attributes;
  // Threads share primitives in oneDNN's cache: each must bring working memory of its own.
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (add) {
    dnnl::post_ops sum;
    sum.append_sum(1.0f);
    attributes.set_post_ops(sum);
  }
  const auto type = half ? Type::bf16 : Type::f32;
  const Layout left({rows, inner}, type, Tag::ab);
  // Every product that a tile takes part in must find it in the same layout: that which suits a full block of rows.
  const Layout right = rows == kBlockRows && !add ? Layout({inner, columns}, type, Tag::any) : FindTileProduct(kBlockRows, inner, columns, half, false).description.weights_desc();
  const dnnl::matmul::primitive_desc description(Engine(), left, right, Layout({rows, columns}, Type::f32, Tag::ab), attributes);
  return products.emplace(key, TileProduct{description, dnnl::matmul(description)}).first->second;
}

Layout PackedLayout(int64_t inner, int64_t columns, bool half) { return FindTileProduct(kBlockRows, inner, columns, half, false).description.weights_desc(); }

// Memory of a thread that tiles pass through.
struct WorkingMemory {
  Buffer left, result, scratch;
};

template <typename To>
void CopyTile(const float* from, int64_t stride, int64_t rows, int64_t columns, To* to) {
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < columns; ++column) to[row * columns + column] = FromFloat<To>(from[row * stride + column]);
  }
}

}  // namespace

void PackedMatrix::Plan(Buffer* buffer, const float* matrix, bool transposed, int64_t inner, int64_t columns, bool half) {
  matrix_ = matrix;
  transposed_ = transposed;
  half_ = half;
  inner_ = inner;
  columns_ = columns;
  chunks_ = static_cast<int>((inner + kTileInner - 1) / kTileInner);
  tiles_.clear();
  size_t offset = 0;
  for (int64_t column = 0; column < columns; column += kTileColumns) {
    const int64_t width = std::min(kTileColumns, columns - column);
    for (int64_t start = 0; start < inner; start += kTileInner) {
      const int64_t depth = std::min(kTileInner, inner - start);
      tiles_.push_back({start, depth, column, width, offset});
      offset += (PackedLayout(depth, width, half).get_size() + 63) / 64 * 64;
    }
  }
  packed_ = buffer->Get<char>(offset);
}

void PackedMatrix::Pack(int piece) const {
  const Tile& tile = tiles_[piece];
  const int64_t row_stride = transposed_ ? 1 : columns_, column_stride = transposed_ ? inner_ : 1;
  const Layout layout({tile.inner, tile.columns}, Type::f32, dnnl::memory::dims{row_stride, column_stride});
  dnnl::memory source(layout, Engine(), const_cast<float*>(matrix_ + tile.inner_start * row_stride + tile.column_start * column_stride));
  dnnl::memory packed(PackedLayout(tile.inner, tile.columns, half_), Engine(), packed_ + tile.offset);
  dnnl::reorder(source, packed).execute(Stream(), source, packed);
}

void PackedMatrix::Multiply(const float* left, int64_t rows, float* result) const {
  thread_local WorkingMemory memory;
  const int64_t element = half_ ? 2 : 4;
  char* block = memory.left.Get<char>(kBlockRows * inner_ * element);
  float* sum = memory.result.Get<float>(kBlockRows * kTileColumns);
  for (int64_t row = 0; row < rows; row += kBlockRows) {
    const int64_t count = std::min(kBlockRows, rows - row);
    // Rows beyond the last hold what they held: their products are not read.
    const int64_t padded = (count + kRowUnit - 1) / kRowUnit * kRowUnit;
    for (int chunk = 0; chunk < chunks_; ++chunk) {
      const Tile& tile = tiles_[chunk];
      const float* from = left + row * inner_ + tile.inner_start;
      char* to = block + padded * tile.inner_start * element;
      if (half_) {
        CopyTile(from, inner_, count, tile.inner, reinterpret_cast<Half*>(to));
      } else {
        CopyTile(from, inner_, count, tile.inner, reinterpret_cast<float*>(to));
      }
    }
    for (size_t first = 0; first < tiles_.size(); first += chunks_) {
      for (int chunk = 0; chunk < chunks_; ++chunk) {
        const Tile& tile = tiles_[first + chunk];
        const auto& product = FindTileProduct(padded, tile.inner, tile.columns, half_, chunk > 0);
        const auto& description = product.description;
        const auto scratch = description.scratchpad_desc();
        product.primitive.execute(Stream(), {{DNNL_ARG_SRC, {description.src_desc(), Engine(), block + padded * tile.inner_start * element}},
                                             {DNNL_ARG_WEIGHTS, {description.weights_desc(), Engine(), packed_ + tile.offset}},
                                             {DNNL_ARG_DST, {description.dst_desc(), Engine(), sum}},
                                             {DNNL_ARG_SCRATCHPAD, {scratch, Engine(), memory.scratch.Get<char>(scratch.get_size() + 64)}}});
      }
      const Tile& tile = tiles_[first];
      for (int64_t i = 0; i < count; ++i) std::copy_n(sum + i * tile.columns, tile.columns, result + (row + i) * columns_ + tile.column_start);
    }
  }
}

}  // namespace s2s
