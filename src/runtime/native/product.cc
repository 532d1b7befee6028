#include "product.h"

#include <array>
#include <map>
#include <utility>
#include <oneapi/dnnl/dnnl.hpp>

#include "numbers.h"

namespace s2s {
namespace {

// Rows of the left factor for which the layout of the right one is chosen.
constexpr int64_t kUsualRows = 64;
// The number of rows is rounded up to a multiple of this, so that there are few different shapes of products.
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
struct FixedProduct {
  dnnl::matmul::primitive_desc description;
  dnnl::matmul primitive;
};

dnnl::matmul::primitive_desc Describe(int64_t rows, int64_t inner, int64_t columns, Type type, const Layout& right) {
  dnnl::primitive_attr attributes;
  // Threads share primitives in oneDNN's cache: each must bring working memory of its own.
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return dnnl::matmul::primitive_desc(Engine(), Layout({rows, inner}, type, Tag::ab), right, Layout({rows, columns}, Type::f32, Tag::ab), attributes);
}

// Whether oneDNN multiplies bfloat16 here: on x64, only with AVX-512. Elsewhere the rounded factors are multiplied in float32,
// which gives the same products.
bool MultipliesHalf() {
  static const bool multiplies = [] {
    try {
      Describe(kUsualRows, kUsualRows, kUsualRows, Type::bf16, Layout({kUsualRows, kUsualRows}, Type::bf16, Tag::any));
      return true;
    } catch (const dnnl::error&) {
      return false;
    }
  }();
  return multiplies;
}

// [rows, inner] [inner, columns]. Making such a product takes some 0.1 ms, so they are kept.
const FixedProduct& FindProduct(int64_t rows, int64_t inner, int64_t columns, bool half) {
  thread_local std::map<std::array<int64_t, 4>, FixedProduct> products;
  const std::array<int64_t, 4> key{rows, inner, columns, half};
  const auto known = products.find(key);
  if (known != products.end()) return known->second;
  const auto type = half && MultipliesHalf() ? Type::bf16 : Type::f32;
  // Every product with the same packed matrix must find it in the same layout.
  const Layout right = rows == kUsualRows ? Layout({inner, columns}, type, Tag::any) : FindProduct(kUsualRows, inner, columns, half).description.weights_desc();
  const auto description = Describe(rows, inner, columns, type, right);
  return products.emplace(key, FixedProduct{description, dnnl::matmul(description)}).first->second;
}

// A copy of the matrix with every number rounded to bfloat16.
Matrix Rounded(const Matrix& matrix, Buffer* memory) {
  const int64_t lines = matrix.transposed ? matrix.columns : matrix.inner, length = matrix.transposed ? matrix.inner : matrix.columns;
  float* rounded = memory->Get<float>(lines * length);
  for (int64_t line = 0; line < lines; ++line) {
    for (int64_t i = 0; i < length; ++i) rounded[line * length + i] = ToFloat(ToHalf(matrix.data[line * matrix.stride + i]));
  }
  return {rounded, matrix.inner, matrix.columns, length, matrix.transposed};
}

int64_t RoundedUp(int64_t rows) { return (rows + kRowUnit - 1) / kRowUnit * kRowUnit; }

}  // namespace

size_t PackedMatrix::Size(int64_t inner, int64_t columns, bool half) {
  return (FindProduct(kUsualRows, inner, columns, half).description.weights_desc().get_size() + 63) / 64 * 64;
}

void PackedMatrix::Pack(const Matrix& matrix) {
  thread_local Buffer memory;
  const Matrix given = half_ && !MultipliesHalf() ? Rounded(matrix, &memory) : matrix;
  const Layout from({inner_, columns_}, Type::f32, given.transposed ? dnnl::memory::dims{1, given.stride} : dnnl::memory::dims{given.stride, 1});
  const auto to = FindProduct(kUsualRows, inner_, columns_, half_).description.weights_desc();
  dnnl::memory source(from, Engine(), const_cast<float*>(given.data)), packed(to, Engine(), packed_);
  dnnl::reorder(source, packed).execute(Stream(), source, packed);
}

PackedMatrix::Rows PackedMatrix::Prepare(Buffer* left, Buffer* result, int64_t rows) const {
  // Rows beyond the last hold anything: their products are not read.
  const int64_t count = RoundedUp(rows);
  return {left->Get<char>(count * inner_ * (half_ ? 2 : 4)), result->Get<float>(count * columns_)};
}

void PackedMatrix::Multiply(const Rows& rows, int64_t count) const {
  thread_local Buffer working, widened;
  void* left = rows.left;
  if (half_ && !MultipliesHalf()) {
    float* wide = widened.Get<float>(RoundedUp(count) * inner_);
    for (int64_t i = 0; i < count * inner_; ++i) wide[i] = ToFloat(static_cast<const Half*>(rows.left)[i]);
    left = wide;
  }
  const auto& product = FindProduct(RoundedUp(count), inner_, columns_, half_);
  const auto& description = product.description;
  const auto scratch = description.scratchpad_desc();
  product.primitive.execute(Stream(), {{DNNL_ARG_SRC, {description.src_desc(), Engine(), left}},
                                       {DNNL_ARG_WEIGHTS, {description.weights_desc(), Engine(), packed_}},
                                       {DNNL_ARG_DST, {description.dst_desc(), Engine(), rows.result}},
                                       {DNNL_ARG_SCRATCHPAD, {scratch, Engine(), working.Get<char>(scratch.get_size() + 64)}}});
}

}  // namespace s2s
