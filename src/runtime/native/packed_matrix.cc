#include "packed_matrix.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <type_traits>
#include <oneapi/dnnl/dnnl.hpp>

#include "sgemm.h"
#include "transpose.h"

namespace s2s {
namespace {

// Rows of the left factor for which oneDNN chooses the layout of the right one.
constexpr int64_t kLayoutRows = 64;
// Columns of a block: a multiple of the 16, 32, 48 or 64 columns that oneDNN's layouts group.
constexpr int64_t kBlockColumns = 192;
constexpr int64_t kCacheLine = 64;
// Up to this many columns, Sgemm is faster than oneDNN in float32 (Zen 4, 136 rows: 230 GFLOP/s for
// any depth, oneDNN 160 for a depth of 256 and 178 for 512).
constexpr int64_t kNarrowColumns = 256;

using DataType = dnnl::memory::data_type;
using FormatTag = dnnl::memory::format_tag;
using Layout = dnnl::memory::desc;

dnnl::engine& Engine() {
  static dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

dnnl::stream& Stream() {
  thread_local dnnl::stream stream(Engine());
  return stream;
}

DataType OneDnnType(Dtype dtype) {
  return dtype == Dtype::kBfloat16 ? DataType::bf16 : DataType::f32;
}

// A product [rows, inner] [inner, columns].
struct ProductShape {
  int64_t rows;
  int64_t inner;
  int64_t columns;
  Dtype dtype;

  bool operator<(const ProductShape& other) const {
    return std::tie(rows, inner, columns, dtype) <
           std::tie(other.rows, other.inner, other.columns, other.dtype);
  }
};

struct CompiledProduct {
  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;
};

dnnl::matmul::primitive_desc Describe(const ProductShape& shape, const Layout& right) {
  dnnl::primitive_attr attributes;
  // Threads share primitives in oneDNN's cache, so that each must bring its own scratchpad.
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const Layout left({shape.rows, shape.inner}, OneDnnType(shape.dtype), FormatTag::ab);
  // Row-major without gaps: for any other result, oneDNN (3.2) has only its slow reference kernel.
  const Layout result({shape.rows, shape.columns}, DataType::f32, FormatTag::ab);
  return dnnl::matmul::primitive_desc(Engine(), left, right, result, attributes);
}

Layout PackedLayout(int64_t inner, int64_t columns, Dtype dtype);

// Products are cached, because compiling one takes some 0.1 ms.
const CompiledProduct& FindProduct(const ProductShape& shape) {
  thread_local std::map<ProductShape, CompiledProduct> products;
  const auto known = products.find(shape);
  if (known != products.end()) return known->second;
  // One number of rows decides the layout of a packed matrix; all others have to take it.
  const Layout right =
      shape.rows == kLayoutRows
          ? Layout({shape.inner, shape.columns}, OneDnnType(shape.dtype), FormatTag::any)
          : PackedLayout(shape.inner, shape.columns, shape.dtype);
  const auto description = Describe(shape, right);
  return products.emplace(shape, CompiledProduct{description, dnnl::matmul(description)})
      .first->second;
}

Layout PackedLayout(int64_t inner, int64_t columns, Dtype dtype) {
  return FindProduct({kLayoutRows, inner, columns, dtype}).description.weights_desc();
}

bool MultipliesWithOneDnn(int64_t columns, Dtype dtype) {
  return UsesOneDnn() && (dtype == Dtype::kBfloat16 || columns > kNarrowColumns);
}

}  // namespace

bool UsesOneDnn() {
  static const bool has_packed_bfloat16 = [] {
    try {
      const Layout any_layout({kLayoutRows, kLayoutRows}, DataType::bf16, FormatTag::any);
      Describe({kLayoutRows, kLayoutRows, kLayoutRows, Dtype::kBfloat16}, any_layout);
      return true;
    } catch (const dnnl::error&) {
      return false;
    }
  }();
  return has_packed_bfloat16;
}

size_t PackedMatrix::Size(int64_t inner, int64_t columns, Dtype dtype) {
  const size_t size = MultipliesWithOneDnn(columns, dtype)
                          ? PackedLayout(inner, columns, dtype).get_size()
                          : PackedFloats(inner, columns) * sizeof(float);
  return RoundUp(size, kCacheLine);
}

void PackedMatrix::Pack(const StridedMatrix& matrix) {
  for (int64_t block = 0; block < Blocks(); ++block) PackBlock(matrix, block);
}

int64_t PackedMatrix::Blocks() const { return CeilDiv(columns_, kBlockColumns); }

void PackedMatrix::PackBlock(const StridedMatrix& matrix, int64_t block) {
  PackAnyBlock(matrix, block);
}

void PackedMatrix::PackBlock(const StridedView<Bfloat16>& matrix, int64_t block) {
  PackAnyBlock(matrix, block);
}

template <typename Element>
void PackedMatrix::PackAnyBlock(const StridedView<Element>& matrix, int64_t block) {
  const int64_t start = block * kBlockColumns;
  const int64_t columns = std::min(kBlockColumns, columns_ - start);
  if (MultipliesWithOneDnn(columns_, dtype_))
    PackBlockForOneDnn(matrix.From(0, start), start, columns);
  else
    PackBlockForSgemm(matrix.From(0, start), start, columns);
}

template <typename Element>
void PackedMatrix::PackBlockForSgemm(const StridedView<Element>& block, int64_t start,
                                     int64_t columns) {
  float* packed = PackedColumn(static_cast<float*>(packed_), inner_, start);
  PackFloats(block, inner_, columns, packed);
  if (dtype_ == Dtype::kFloat32 || std::is_same_v<Element, Bfloat16>) return;
  std::transform(packed, packed + PackedFloats(inner_, columns), packed,
                 [](float value) { return ToFloat(ToBfloat16(value)); });
}

template <typename Element>
void PackedMatrix::PackBlockForOneDnn(const StridedView<Element>& block, int64_t start,
                                      int64_t columns) {
  const Layout target =
      PackedLayout(inner_, columns_, dtype_).submemory_desc({inner_, columns}, {0, start});
  const auto reorder = [&](const void* data, DataType type, int64_t row_stride) {
    const Layout layout({inner_, columns}, type, dnnl::memory::dims{row_stride, 1});
    dnnl::memory source(layout, Engine(), const_cast<void*>(data));
    dnnl::memory packed(target, Engine(), packed_);
    dnnl::reorder(source, packed).execute(Stream(), source, packed);
  };
  constexpr DataType kType = std::is_same_v<Element, float> ? DataType::f32 : DataType::bf16;
  if (block.column_stride == 1) return reorder(block.data, kType, block.row_stride);
  // oneDNN's reorder transposes slower than TransposeTo.
  thread_local ScratchBuffer buffer;
  if (dtype_ == Dtype::kBfloat16) {
    Bfloat16* row_major = buffer.Get<Bfloat16>(inner_ * columns);
    TransposeTo(block, inner_, columns, MatrixView<Bfloat16>{row_major, columns});
    return reorder(row_major, DataType::bf16, columns);
  }
  float* row_major = buffer.Get<float>(inner_ * columns);
  TransposeTo(block, inner_, columns, MatrixView<float>{row_major, columns});
  reorder(row_major, DataType::f32, columns);
}

void PackedMatrix::Multiply(const void* left, int64_t rows, float* result) const {
  if (MultipliesWithOneDnn(columns_, dtype_))
    MultiplyWithOneDnn(left, rows, result);
  else
    MultiplyWithSgemm(left, rows, result);
}

void PackedMatrix::MultiplyWithSgemm(const void* left, int64_t rows, float* result) const {
  const float* left_floats = static_cast<const float*>(left);
  if (dtype_ == Dtype::kBfloat16) {
    thread_local ScratchBuffer buffer;
    const Bfloat16* narrow = static_cast<const Bfloat16*>(left);
    float* widened = buffer.Get<float>(rows * inner_);
    std::transform(narrow, narrow + rows * inner_, widened,
                   [](Bfloat16 value) { return ToFloat(value); });
    left_floats = widened;
  }
  Sgemm(RowMajor(left_floats, inner_), static_cast<const float*>(packed_), rows, inner_, columns_,
        result);
}

void PackedMatrix::MultiplyWithOneDnn(const void* left, int64_t rows, float* result) const {
  thread_local ScratchBuffer buffer;
  const CompiledProduct& product = FindProduct({PaddedRows(rows), inner_, columns_, dtype_});
  const auto& description = product.description;
  const Layout scratchpad = description.scratchpad_desc();
  char* scratch = buffer.Get<char>(scratchpad.get_size() + kCacheLine);
  product.primitive.execute(
      Stream(), {{DNNL_ARG_SRC, {description.src_desc(), Engine(), const_cast<void*>(left)}},
                 {DNNL_ARG_WEIGHTS, {description.weights_desc(), Engine(), packed_}},
                 {DNNL_ARG_DST, {description.dst_desc(), Engine(), result}},
                 {DNNL_ARG_SCRATCHPAD, {scratchpad, Engine(), scratch}}});
}

}  // namespace s2s
