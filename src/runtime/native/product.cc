#include "product.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <oneapi/dnnl/dnnl.hpp>

#include "float_product.h"
#include "numbers.h"
#include "turn.h"

namespace s2s {
namespace {

// Rows of the left factor for which the layout of the right one is chosen.
constexpr int64_t kUsualRows = 64;
// The number of rows is rounded up to a multiple of this, so that there are few different shapes of
// products.
constexpr int64_t kRowUnit = 8;
// Columns that a thread packs at once: whole blocks in any of oneDNN's layouts, which have 16, 32,
// 48 or 64 columns.
constexpr int64_t kPieceColumns = 192;

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

// Of a product [rows, inner] [inner, columns].
struct Shape {
  int64_t rows, inner, columns;
  bool half;

  bool operator<(const Shape& other) const {
    return std::tie(rows, inner, columns, half) <
           std::tie(other.rows, other.inner, other.columns, other.half);
  }
};

// A product of fixed shape.
struct FixedProduct {
  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;
};

dnnl::matmul::primitive_desc Describe(const Shape& shape, const Layout& right) {
  dnnl::primitive_attr attributes;
  // Threads share primitives in oneDNN's cache: each must bring working memory of its own.
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  const Layout left({shape.rows, shape.inner}, shape.half ? Type::bf16 : Type::f32, Tag::ab);
  // Row by row without gaps: for any other result oneDNN (3.2) has nothing but its slow reference.
  return dnnl::matmul::primitive_desc(
      Engine(), left, right, Layout({shape.rows, shape.columns}, Type::f32, Tag::ab), attributes);
}

// Making a product takes some 0.1 ms, so they are kept.
const FixedProduct& FindProduct(const Shape& shape) {
  thread_local std::map<Shape, FixedProduct> products;
  const auto known = products.find(shape);
  if (known != products.end()) return known->second;
  // Every product with the same packed matrix must find it in the same layout.
  const Layout right =
      shape.rows == kUsualRows
          ? Layout({shape.inner, shape.columns}, shape.half ? Type::bf16 : Type::f32, Tag::any)
          : FindProduct({kUsualRows, shape.inner, shape.columns, shape.half})
                .description.weights_desc();
  const auto description = Describe(shape, right);
  return products.emplace(shape, FixedProduct{description, dnnl::matmul(description)})
      .first->second;
}

// The layout of a packed matrix.
Layout PackedLayout(int64_t inner, int64_t columns, bool half) {
  return FindProduct({kUsualRows, inner, columns, half}).description.weights_desc();
}

}  // namespace

bool UsesOneDnn() {
  static const bool uses = [] {
    try {
      Describe({kUsualRows, kUsualRows, kUsualRows, true},
               Layout({kUsualRows, kUsualRows}, Type::bf16, Tag::any));
      return true;
    } catch (const dnnl::error&) {
      return false;
    }
  }();
  return uses;
}

size_t PackedMatrix::Size(int64_t inner, int64_t columns, bool half) {
  const size_t size = UsesOneDnn() ? PackedLayout(inner, columns, half).get_size()
                                   : PackedFloats(inner, columns) * sizeof(float);
  return (size + 63) / 64 * 64;
}

void PackedMatrix::Pack(const Strided& matrix) {
  for (int piece = 0; piece < Pieces(); ++piece) PackPiece(matrix, piece);
}

int PackedMatrix::Pieces() const {
  return static_cast<int>((columns_ + kPieceColumns - 1) / kPieceColumns);
}

void PackedMatrix::PackPiece(const Strided& matrix, int piece) {
  const int64_t start = piece * kPieceColumns, columns = std::min(kPieceColumns, columns_ - start);
  const Strided given{matrix.data + start * matrix.column_stride, matrix.row_stride,
                      matrix.column_stride};
  if (!UsesOneDnn()) {
    float* packed = static_cast<float*>(packed_) + start * inner_;
    PackFloats(given, inner_, columns, packed);
    if (half_)
      std::transform(packed, packed + PackedFloats(inner_, columns), packed,
                     [](float value) { return ToFloat(ToHalf(value)); });
    return;
  }
  const auto to =
      PackedLayout(inner_, columns_, half_).submemory_desc({inner_, columns}, {0, start});
  const auto reorder = [&](Type type, const Strided& rows, const void* data) {
    const Layout from({inner_, columns}, type,
                      dnnl::memory::dims{rows.row_stride, rows.column_stride});
    dnnl::memory source(from, Engine(), const_cast<void*>(data)), packed(to, Engine(), packed_);
    dnnl::reorder(source, packed).execute(Stream(), source, packed);
  };
  if (given.column_stride == 1) return reorder(Type::f32, given, given.data);
  // oneDNN turns a matrix slower than this loop.
  thread_local Buffer memory;
  const Strided turned{nullptr, columns, 1};
  if (half_) {
    Half* halves = memory.Get<Half>(inner_ * columns);
    Turn(given, inner_, columns, halves);
    return reorder(Type::bf16, turned, halves);
  }
  float* floats = memory.Get<float>(inner_ * columns);
  Turn(given, inner_, columns, floats);
  reorder(Type::f32, turned, floats);
}

int64_t PackedMatrix::RowsTouched(int64_t rows) {
  return (rows + kRowUnit - 1) / kRowUnit * kRowUnit;
}

void PackedMatrix::Multiply(const void* left, int64_t rows, float* result) const {
  thread_local Buffer working;
  if (!UsesOneDnn()) {
    const float* floats = static_cast<const float*>(left);
    if (half_) {
      float* widened = working.Get<float>(rows * inner_);
      std::transform(static_cast<const Half*>(left), static_cast<const Half*>(left) + rows * inner_,
                     widened, ToFloat);
      floats = widened;
    }
    return MultiplyFloats({floats, inner_, 1}, static_cast<const float*>(packed_), rows, inner_,
                          columns_, result);
  }
  const auto& product = FindProduct({RowsTouched(rows), inner_, columns_, half_});
  const auto& description = product.description;
  const auto scratch = description.scratchpad_desc();
  product.primitive.execute(
      Stream(),
      {{DNNL_ARG_SRC, {description.src_desc(), Engine(), const_cast<void*>(left)}},
       {DNNL_ARG_WEIGHTS, {description.weights_desc(), Engine(), packed_}},
       {DNNL_ARG_DST, {description.dst_desc(), Engine(), result}},
       {DNNL_ARG_SCRATCHPAD, {scratch, Engine(), working.Get<char>(scratch.get_size() + 64)}}});
}

}  // namespace s2s
