// What S2sScaledDotAttention and its gradient share: where the queries, keys and values of each
// head lie.
//
// Projections come as one, two or three tensors, so that the products that compute them need no
// copies: [batch, time, 3 * width] with queries, keys and values side by side; queries [batch,
// queries, width] and a memory [batch, keys, 2 * width]; or three separate tensors. `width` is
// heads * size, the heads lie side by side.
#ifndef S2S_SCALED_DOT_ATTENTION_H_
#define S2S_SCALED_DOT_ATTENTION_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "dropout_mask.h"
#include "matrix_view.h"
#include "op_tensors.h"
#include "parallel.h"
#include "small_matmul.h"
#include "tensorflow/core/framework/op_kernel.h"

namespace s2s {

struct ScaledDotSizes {
  int64_t batch;
  int64_t queries;
  int64_t keys;
  int64_t heads;
  // Of the queries, keys and values of one head.
  int64_t size;

  int64_t width() const { return heads * size; }
  int64_t scores() const { return queries * keys; }
  // `keys`, rounded up to whole vector registers.
  int64_t padded_keys() const { return RoundUp(keys, kRowLanes); }
};

// Position of the queries (0), keys (1) or values (2) in `count` tensors.
struct ProjectionPlace {
  ProjectionPlace(int part, int count)
      : tensor(std::min(part, count - 1)),
        parts(tensor == count - 1 ? 4 - count : 1),
        index(part - tensor) {}

  int tensor;
  // Number of projections that this tensor holds side by side, and which one of them it is.
  int64_t parts;
  int64_t index;
};

// The matrix of one head of one sentence, in a tensor that holds `parts` projections side by side.
template <typename Element>
MatrixView<Element> HeadOf(Element* data, const ProjectionPlace& place, int64_t rows,
                           const ScaledDotSizes& sizes, int64_t sentence, int64_t head) {
  const int64_t stride = place.parts * sizes.width();
  return {data + sentence * rows * stride + place.index * sizes.width() + head * sizes.size,
          stride};
}

// The attributes and inputs that both ops begin with: N projections, lengths, seeds.
class ScaledDotOp : public tensorflow::OpKernel {
 public:
  explicit ScaledDotOp(tensorflow::OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("N", &tensors_));
    OP_REQUIRES_OK(context, context->GetAttr("heads", &heads_));
    OP_REQUIRES_OK(context, context->GetAttr("causal", &causal_));
    OP_REQUIRES_OK(context, GetDropoutRate(context, &rate_));
    OP_REQUIRES_OK(context, CheckArgument(tensors_ >= 1 && tensors_ <= 3 && heads_ > 0,
                                          "N must be 1, 2 or 3, and heads greater than 0"));
  }

  void Compute(tensorflow::OpKernelContext* context) override {
    Inputs inputs;
    OP_REQUIRES_OK(context, ReadInputs(context, &inputs));
    RunWithErrors(context, [&] { Attend(context, inputs); });
  }

 protected:
  struct Inputs {
    // The matrix of a part, 0 to 2, of one head of one sentence.
    MatrixView<const float> Head(int part, int64_t sentence, int64_t head) const {
      return HeadOf(data[part], places[part], part == 0 ? sizes.queries : sizes.keys, sizes,
                    sentence, head);
    }
    // Number of keys that are not padding.
    int64_t Length(int64_t sentence) const {
      return lengths == nullptr ? sizes.keys : lengths[sentence];
    }

    ScaledDotSizes sizes;
    const float* data[3];
    ProjectionPlace places[3] = {{0, 3}, {1, 3}, {2, 3}};
    const int32_t* lengths;
    DropoutMask mask;
    float scale;
  };

  virtual void Attend(tensorflow::OpKernelContext* context, const Inputs& inputs) = 0;

  int tensors() const { return tensors_; }

  // Number of keys that a query sees. The last query is at the position of the last key.
  int64_t VisibleKeys(const Inputs& inputs, int64_t length, int64_t query) const {
    const int64_t position = inputs.sizes.keys - inputs.sizes.queries + query;
    return causal_ ? std::min(length, position + 1) : length;
  }

  // Calls work(first, count, keys) for blocks of queries, with the number of keys that the last
  // query of the block sees: the products skip most of the future.
  template <typename Work>
  void ForQueryBlocks(const Inputs& inputs, int64_t length, const Work& work) const {
    const int64_t queries = inputs.sizes.queries;
    const int64_t block = causal_ ? 2 * kBlock : queries;
    for (int64_t first = 0; first < queries; first += block) {
      const int64_t count = std::min(block, queries - first);
      work(first, count, VisibleKeys(inputs, length, first + count - 1));
    }
  }

  // Transposes keys or values [length, size] to [size, padded keys], with zeros after `length`.
  static MatrixView<float> Transposed(const MatrixView<const float>& matrix, int64_t length,
                                      const ScaledDotSizes& sizes, float* memory) {
    const MatrixView<float> result{memory, RoundUp(length, kRowLanes)};
    for (int64_t key = 0; key < length; ++key) {
      const float* row = matrix[key];
      for (int64_t k = 0; k < sizes.size; ++k) result[k][key] = row[k];
    }
    for (int64_t k = 0; k < sizes.size; ++k)
      std::fill(result[k] + length, result[k] + result.stride, 0.0f);
    return result;
  }

 private:
  absl::Status ReadInputs(tensorflow::OpKernelContext* context, Inputs* inputs) const {
    ScaledDotSizes& sizes = inputs->sizes;
    for (int tensor = 0; tensor < tensors_; ++tensor)
      TF_RETURN_IF_ERROR(
          CheckArgument(context->input(tensor).dims() == 3, "projections must have 3 dimensions"));
    const tensorflow::Tensor& first = context->input(0);
    const int64_t width = first.dim_size(2) / (tensors_ == 1 ? 3 : 1);
    sizes = {first.dim_size(0), first.dim_size(1), context->input(tensors_ - 1).dim_size(1), heads_,
             width / heads_};
    TF_RETURN_IF_ERROR(CheckArgument(sizes.size > 0 && sizes.keys > 0,
                                     "there must be at least 1 key, and 1 column for each head"));
    TF_RETURN_IF_ERROR(CheckArgument(!causal_ || sizes.queries <= sizes.keys,
                                     "causal attention needs a key at the position of each query"));
    for (int part = 0; part < 3; ++part) {
      const ProjectionPlace place(part, tensors_);
      const int64_t rows = part == 0 ? sizes.queries : sizes.keys;
      TF_RETURN_IF_ERROR(CheckShape(context, place.tensor,
                                    {sizes.batch, rows, place.parts * sizes.width()},
                                    "projections must be [batch, time, 3 * width], [batch, "
                                    "queries, width] and [batch, keys, 2 * width], or three of "
                                    "one width, a multiple of heads"));
      inputs->places[part] = place;
      inputs->data[part] = InputData<float>(context, place.tensor);
    }
    inputs->scale = 1.0f / std::sqrt(static_cast<float>(sizes.size));
    TF_RETURN_IF_ERROR(DropoutMask::FromInput(context, tensors_ + 1, rate_, &inputs->mask));
    return ReadLengths(context, inputs);
  }

  absl::Status ReadLengths(tensorflow::OpKernelContext* context, Inputs* inputs) const {
    const auto lengths = context->input(tensors_).flat<int32_t>();
    inputs->lengths = lengths.size() == 0 ? nullptr : lengths.data();
    bool are_valid = lengths.size() == 0 || lengths.size() == inputs->sizes.batch;
    for (int64_t i = 0; are_valid && i < lengths.size(); ++i)
      are_valid = lengths(i) >= 0 && lengths(i) <= inputs->sizes.keys;
    return CheckArgument(are_valid, "lengths must be [batch], each from 0 to the number of keys");
  }

  int tensors_;
  int64_t heads_;
  bool causal_;
  float rate_;
};

}  // namespace s2s

#endif  // S2S_SCALED_DOT_ATTENTION_H_
