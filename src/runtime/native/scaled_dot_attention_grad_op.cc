// S2sScaledDotAttentionGrad: the gradient of S2sScaledDotAttention (scaled_dot_attention_op.cc).
//
// projections, lengths, seeds, weights [batch, heads, queries, keys], the gradients of attended
// [batch, queries, width] and of weights (or [0]) to the gradients of the projections.
#include <algorithm>

#include "op_tensors.h"
#include "parallel.h"
#include "scaled_dot_attention.h"
#include "small_matmul.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using s2s::InputData;
using s2s::MatrixView;
using s2s::ProjectionPlace;
using tensorflow::OpKernelContext;
using tensorflow::TensorShape;

REGISTER_OP("S2sScaledDotAttentionGrad")
    .Input("projections: N * float")
    .Input("lengths: int32")
    .Input("seeds: int32")
    .Input("weights: float")
    .Input("d_attended: float")
    .Input("d_weights: float")
    .Output("d_projections: N * float")
    .Attr("N: int >= 1")
    .Attr("heads: int")
    .Attr("causal: bool = false")
    .Attr("rate: float = 0")
    .Doc(
        "The gradients of the projections, from those of both outputs of S2sScaledDotAttention. An "
        "empty d_weights means zeros.");

namespace {

// The gradients of the scores of a query, in place of those of its weights after dropout.
// `dropped` are the weights after dropout; `d_weights` may be null.
void ScaledSoftmaxGradient(const float* weights, const float* dropped, const float* d_weights,
                           float scale, int64_t count, float* gradients) {
  float mean = 0;
#pragma omp simd reduction(+ : mean)
  for (int64_t i = 0; i < count; ++i) {
    // Dropout multiplies a weight by a constant: times the weight, its gradient needs no mask.
    gradients[i] =
        dropped[i] * gradients[i] + (d_weights == nullptr ? 0.0f : weights[i] * d_weights[i]);
    mean += gradients[i];
  }
#pragma omp simd
  for (int64_t i = 0; i < count; ++i) gradients[i] = scale * (gradients[i] - weights[i] * mean);
}

class ScaledDotAttentionGradOp : public s2s::ScaledDotOp {
 public:
  using ScaledDotOp::ScaledDotOp;

 protected:
  void Attend(OpKernelContext* context, const Inputs& inputs) override {
    const s2s::ScaledDotSizes& sizes = inputs.sizes;
    Gradients gradients;
    OP_REQUIRES_OK(context, ReadGradients(context, inputs, &gradients));
    for (int tensor = 0; tensor < tensors(); ++tensor) {
      float* data = nullptr;
      OP_REQUIRES_OK(context, s2s::AllocateOutput<float>(context, tensor,
                                                         context->input(tensor).shape(), &data));
      for (int part = 0; part < 3; ++part) {
        if (inputs.places[part].tensor == tensor) gradients.projections[part] = data;
      }
    }
    s2s::ParallelFor(context, sizes.batch * sizes.heads, [&](int64_t index) {
      HeadGradient(inputs, gradients, index / sizes.heads, index % sizes.heads);
    });
  }

 private:
  struct Gradients {
    const float* weights;
    const float* d_attended;
    // Null if it is zero.
    const float* d_weights;
    float* projections[3];
  };

  absl::Status ReadGradients(OpKernelContext* context, const Inputs& inputs,
                             Gradients* gradients) const {
    const s2s::ScaledDotSizes& sizes = inputs.sizes;
    const int first = tensors() + 2;
    const TensorShape weights_shape({sizes.batch, sizes.heads, sizes.queries, sizes.keys});
    TF_RETURN_IF_ERROR(s2s::CheckShape(context, first, weights_shape,
                                       "weights must be [batch, heads, queries, keys]"));
    TF_RETURN_IF_ERROR(s2s::CheckShape(context, first + 1,
                                       {sizes.batch, sizes.queries, sizes.width()},
                                       "d_attended must be [batch, queries, width]"));
    const bool has_d_weights = context->input(first + 2).NumElements() > 0;
    if (has_d_weights) {
      TF_RETURN_IF_ERROR(s2s::CheckShape(context, first + 2, weights_shape,
                                         "d_weights must be [batch, heads, queries, keys]"));
    }
    gradients->weights = InputData<float>(context, first);
    gradients->d_attended = InputData<float>(context, first + 1);
    gradients->d_weights = has_d_weights ? InputData<float>(context, first + 2) : nullptr;
    return absl::OkStatus();
  }

  void HeadGradient(const Inputs& inputs, const Gradients& gradients, int64_t sentence,
                    int64_t head) const {
    thread_local s2s::ScratchBuffer score_buffer;
    thread_local s2s::ScratchBuffer dropped_buffer;
    const s2s::ScaledDotSizes& sizes = inputs.sizes;
    const int64_t queries = sizes.queries;
    const int64_t keys = sizes.keys;
    const int64_t length = inputs.Length(sentence);
    const int64_t first_weight = (sentence * sizes.heads + head) * sizes.scores();
    const float* weights = gradients.weights + first_weight;
    const auto d_attended =
        s2s::HeadOf(gradients.d_attended, ProjectionPlace(0, 3), queries, sizes, sentence, head);
    const float* dropped = weights;
    if (!inputs.mask.DropsNothing()) {
      float* masked = dropped_buffer.Get<float>(sizes.scores());
      inputs.mask.Apply(first_weight, sizes.scores(), weights, masked);
      dropped = masked;
    }
    const MatrixView<float> d_scores{score_buffer.Get<float>(queries * sizes.padded_keys()),
                                     sizes.padded_keys()};
    WeightGradients(inputs, d_attended, sentence, head, length, d_scores);
    for (int64_t query = 0; query < queries; ++query) {
      const int64_t visible = VisibleKeys(inputs, length, query);
      const int64_t row = query * keys;
      const float* d_weights = gradients.d_weights;
      ScaledSoftmaxGradient(weights + row, dropped + row,
                            d_weights == nullptr ? nullptr : d_weights + first_weight + row,
                            inputs.scale, visible, d_scores[query]);
      std::fill(d_scores[query] + visible, d_scores[query] + length, 0.0f);
    }
    const auto gradient = [&](int part) {
      return s2s::HeadOf(gradients.projections[part], inputs.places[part],
                         part == 0 ? queries : keys, sizes, sentence, head);
    };
    const MatrixView<float> d_queries = gradient(0);
    ForQueryBlocks(inputs, length, [&](int64_t first, int64_t count, int64_t visible) {
      s2s::WeightedSums(s2s::RowMajor(d_scores[first], d_scores.stride),
                        inputs.Head(1, sentence, head), visible, sizes.size,
                        {d_queries[first], d_queries.stride}, count);
    });
    const auto transposed_product = [&](const float* factor, int64_t stride,
                                        const MatrixView<const float>& rows, int part) {
      const MatrixView<float> result = gradient(part);
      s2s::WeightedSums(s2s::TransposeOf(factor, stride), rows, queries, sizes.size, result,
                        length);
      for (int64_t key = length; key < keys; ++key) std::fill_n(result[key], sizes.size, 0.0f);
    };
    transposed_product(d_scores.data, d_scores.stride, inputs.Head(0, sentence, head), 1);
    transposed_product(dropped, keys, d_attended, 2);
  }

  // The gradients of the weights after dropout: the products of d_attended and the values.
  void WeightGradients(const Inputs& inputs, const MatrixView<const float>& d_attended,
                       int64_t sentence, int64_t head, int64_t length,
                       const MatrixView<float>& result) const {
    thread_local s2s::ScratchBuffer buffer;
    const s2s::ScaledDotSizes& sizes = inputs.sizes;
    const MatrixView<float> transposed =
        Transposed(inputs.Head(2, sentence, head), length, sizes,
                   buffer.Get<float>(sizes.size * sizes.padded_keys()));
    ForQueryBlocks(inputs, length, [&](int64_t first, int64_t count, int64_t visible) {
      s2s::WeightedSums(
          s2s::RowMajor(d_attended[first], d_attended.stride), {transposed.data, transposed.stride},
          sizes.size, s2s::RoundUp(visible, s2s::kRowLanes), {result[first], result.stride}, count);
    });
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sScaledDotAttentionGrad").Device(tensorflow::DEVICE_CPU),
                        ScaledDotAttentionGradOp);

}  // namespace
