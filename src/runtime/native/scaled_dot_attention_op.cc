// S2sScaledDotAttention: scaled dot-product attention with several heads (Vaswani et al. 2017,
// section 3.2). Threads share the heads of all sentences: the data of one stays in the caches of a
// core, and no projection is copied or transposed as a whole.
//
// projections (scaled_dot_attention.h), lengths [batch] or [0] and seeds [2] or [0] to attended
// [batch, queries, width] and weights [batch, heads, queries, keys].
#include <algorithm>

#include "op_tensors.h"
#include "parallel.h"
#include "scaled_dot_attention.h"
#include "small_matmul.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"
#include "vector_math.h"

using s2s::MatrixView;
using s2s::StridedMatrix;
using tensorflow::OpKernelContext;

REGISTER_OP("S2sScaledDotAttention")
    .Input("projections: N * float")
    .Input("lengths: int32")
    .Input("seeds: int32")
    .Output("attended: float")
    .Output("weights: float")
    .Attr("N: int >= 1")
    .Attr("heads: int")
    .Attr("causal: bool = false")
    .Attr("rate: float = 0")
    .Doc(
        "weights [batch, heads, queries, keys]: the softmax of the dot products of queries and "
        "keys, divided by the square root of their size, over the keys before lengths [batch] "
        "(over all if it is empty) and, if causal, up to the position of the query. attended "
        "[batch, queries, width]: the means of the values with these weights after dropout. "
        "projections: queries, keys and values, side by side in one tensor; or queries, and keys "
        "and values in one tensor; or three tensors.");

namespace {

// With fewer queries than this, transposing the keys costs more than it saves.
constexpr int64_t kFewQueries = 4;

// weights [count] = softmax(scale * scores) over the first `visible`, 0 after them. Overwrites the
// scores, of which there is memory for whole vector registers: without remainder loops, which would
// take longer than the rest for the lengths of most sentences.
void ScaledSoftmax(float* scores, float scale, int32_t visible, int64_t count, float* weights) {
  const int32_t padded = static_cast<int32_t>(s2s::RoundUp(visible, s2s::kRowLanes));
  float max = -INFINITY;
#pragma omp simd reduction(max : max)
  for (int32_t i = 0; i < padded; ++i) max = std::max(max, i < visible ? scores[i] : -INFINITY);
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int32_t i = 0; i < padded; ++i) {
    const float exponential = s2s::Exp(scale * (scores[i] - max));
    scores[i] = i < visible ? exponential : 0.0f;
    sum += scores[i];
  }
  const float factor = 1.0f / sum;
#pragma omp simd
  for (int32_t i = 0; i < padded; ++i) scores[i] *= factor;
  std::copy_n(scores, visible, weights);
  std::fill(weights + visible, weights + count, 0.0f);
}

class ScaledDotAttentionOp : public s2s::ScaledDotOp {
 public:
  using ScaledDotOp::ScaledDotOp;

 protected:
  void Attend(OpKernelContext* context, const Inputs& inputs) override {
    const s2s::ScaledDotSizes& sizes = inputs.sizes;
    float* attended = nullptr;
    float* weights = nullptr;
    OP_REQUIRES_OK(
        context, s2s::AllocateOutput<float>(context, 0, {sizes.batch, sizes.queries, sizes.width()},
                                            &attended));
    OP_REQUIRES_OK(
        context, s2s::AllocateOutput<float>(
                     context, 1, {sizes.batch, sizes.heads, sizes.queries, sizes.keys}, &weights));
    s2s::ParallelFor(context, sizes.batch * sizes.heads, [&](int64_t index) {
      const int64_t sentence = index / sizes.heads;
      const int64_t head = index % sizes.heads;
      const MatrixView<float> result =
          s2s::HeadOf(attended, s2s::ProjectionPlace(0, 3), sizes.queries, sizes, sentence, head);
      AttendHead(inputs, sentence, head, {weights + index * sizes.scores(), sizes.keys}, result);
    });
  }

 private:
  void AttendHead(const Inputs& inputs, int64_t sentence, int64_t head,
                  const MatrixView<float>& weights, const MatrixView<float>& result) const {
    thread_local s2s::ScratchBuffer score_buffer;
    thread_local s2s::ScratchBuffer dropped_buffer;
    const s2s::ScaledDotSizes& sizes = inputs.sizes;
    const int64_t length = inputs.Length(sentence);
    const MatrixView<float> scores{score_buffer.Get<float>(sizes.queries * sizes.padded_keys()),
                                   sizes.padded_keys()};
    Scores(inputs, sentence, head, length, scores);
    for (int64_t query = 0; query < sizes.queries; ++query)
      ScaledSoftmax(scores[query], inputs.scale,
                    static_cast<int32_t>(VisibleKeys(inputs, length, query)), sizes.keys,
                    weights[query]);
    const float* factors = weights.data;
    if (!inputs.mask.DropsNothing()) {
      float* dropped = dropped_buffer.Get<float>(sizes.scores());
      const int64_t first = (sentence * sizes.heads + head) * sizes.scores();
      inputs.mask.Apply(first, sizes.scores(), weights.data, dropped);
      factors = dropped;
    }
    const MatrixView<const float> values = inputs.Head(2, sentence, head);
    ForQueryBlocks(inputs, length, [&](int64_t first, int64_t count, int64_t keys) {
      s2s::WeightedSums(s2s::RowMajor(factors + first * sizes.keys, sizes.keys), values, keys,
                        sizes.size, {result[first], result.stride}, count);
    });
  }

  void Scores(const Inputs& inputs, int64_t sentence, int64_t head, int64_t length,
              const MatrixView<float>& scores) const {
    thread_local s2s::ScratchBuffer buffer;
    const s2s::ScaledDotSizes& sizes = inputs.sizes;
    const MatrixView<const float> queries = inputs.Head(0, sentence, head);
    const MatrixView<const float> keys = inputs.Head(1, sentence, head);
    if (sizes.queries < kFewQueries)
      return s2s::DotProducts(queries, sizes.queries, keys, length, sizes.size, scores);
    const MatrixView<float> transposed =
        Transposed(keys, length, sizes, buffer.Get<float>(sizes.size * sizes.padded_keys()));
    ForQueryBlocks(inputs, length, [&](int64_t first, int64_t count, int64_t visible) {
      s2s::WeightedSums(
          s2s::RowMajor(queries[first], queries.stride), {transposed.data, transposed.stride},
          sizes.size, s2s::RoundUp(visible, s2s::kRowLanes), {scores[first], scores.stride}, count);
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sScaledDotAttention").Device(tensorflow::DEVICE_CPU),
                        ScaledDotAttentionOp);

}  // namespace
