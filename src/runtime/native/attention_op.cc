// S2sAttention: attention by dot products, of few queries for each sentence, as in decoding. Large products would gain nothing
// there: what takes time is to read keys and values, which is done once for all queries.
#include <algorithm>
#include <cmath>

#include "numbers.h"
#include "parallel.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sAttention")
    .Input("queries: float")
    .Input("keys: float")
    .Input("values: float")
    .Input("mask: float")
    .Input("beside: float")
    .Output("joined: float")
    .Output("weights: float")
    .Doc("queries [batch, queries, size], keys [batch, time, size], values [batch, time, width] and a mask [batch, time], 0 at padding: weights [batch, queries, time], the softmax of the products with the keys over real positions, and the means of the values with these weights, each followed by its row of beside [batch, queries, more]: joined [batch * queries, width + more].");

namespace {

class AttentionOp : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(OpKernelContext* context) override {
    const Tensor &queries = context->input(0), &keys = context->input(1), &values = context->input(2), &mask = context->input(3), &beside = context->input(4);
    OP_REQUIRES(context, queries.dims() == 3 && keys.dims() == 3 && values.dims() == 3 && mask.dims() == 2 && beside.dims() == 3, tensorflow::errors::InvalidArgument("queries, keys, values and beside must have three dimensions, the mask two"));
    const int64_t batch = queries.dim_size(0), count = queries.dim_size(1), size = queries.dim_size(2), time = keys.dim_size(1), width = values.dim_size(2), more = beside.dim_size(2);
    const bool fit = keys.dim_size(0) == batch && values.dim_size(0) == batch && mask.dim_size(0) == batch && values.dim_size(1) == time && mask.dim_size(1) == time && keys.dim_size(2) == size && beside.dim_size(0) == batch && beside.dim_size(1) == count;
    OP_REQUIRES(context, fit, tensorflow::errors::InvalidArgument("queries, keys, values, mask and beside do not fit together"));
    Tensor *joined = nullptr, *weights = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {batch * count, width + more}, &joined));
    OP_REQUIRES_OK(context, context->allocate_output(1, {batch, count, time}, &weights));
    const float *query = queries.flat<float>().data(), *key = keys.flat<float>().data(), *value = values.flat<float>().data(), *real = mask.flat<float>().data(), *added = beside.flat<float>().data();
    float *to = joined->flat<float>().data(), *weight = weights->flat<float>().data();
    s2s::ForEach(context, static_cast<int>(batch), [&](int sentence) {
      Sentence(query + sentence * count * size, key + sentence * time * size, value + sentence * time * width, real + sentence * time, count, time, size, width, weight + sentence * count * time, to + sentence * count * (width + more), width + more);
      for (int64_t row = sentence * count; row < (sentence + 1) * count; ++row) std::copy_n(added + row * more, more, to + row * (width + more) + width);
    });
  }

 private:
  static void Sentence(const float* queries, const float* keys, const float* values, const float* mask, int64_t count, int64_t time, int64_t size, int64_t width, float* weights, float* means, int64_t stride) {
    for (int64_t step = 0; step < time; ++step) {
      for (int64_t query = 0; query < count; ++query) {
        weights[query * time + step] = mask[step] == 0 ? -INFINITY : Dot(queries + query * size, keys + step * size, size);
      }
    }
    for (int64_t query = 0; query < count; ++query) Softmax(weights + query * time, time);
    for (int64_t query = 0; query < count; ++query) std::fill_n(means + query * stride, width, 0.0f);
    for (int64_t step = 0; step < time; ++step) {
      if (mask[step] == 0) continue;
      for (int64_t query = 0; query < count; ++query) {
        const float weight = weights[query * time + step];
        const float* from = values + step * width;
        float* to = means + query * stride;
#pragma omp simd
        for (int64_t i = 0; i < width; ++i) to[i] += weight * from[i];
      }
    }
  }

  static float Dot(const float* left, const float* right, int64_t size) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < size; ++i) sum += left[i] * right[i];
    return sum;
  }

  // In place; minus infinity becomes exactly 0.
  static void Softmax(float* scores, int64_t count) {
    const float largest = *std::max_element(scores, scores + count);
    float sum = 0;
    for (int64_t i = 0; i < count; ++i) {
      scores[i] = scores[i] == -INFINITY ? 0.0f : s2s::Exp(scores[i] - largest);
      sum += scores[i];
    }
    for (int64_t i = 0; i < count; ++i) scores[i] /= sum;
  }
};

REGISTER_KERNEL_BUILDER(Name("S2sAttention").Device(tensorflow::DEVICE_CPU), AttentionOp);

}  // namespace
