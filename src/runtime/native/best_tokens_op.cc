// S2sPackedBestTokens: the most probable tokens of each row, from logits that are never written to
// memory: of each slice of the vocabulary only its best tokens and the sum of its exponentials are
// kept.
#include <algorithm>
#include <climits>
#include <cmath>
#include <utility>
#include <vector>

#include "packed_slices.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_kernel.h"

using tensorflow::OpKernelConstruction;
using tensorflow::OpKernelContext;
using tensorflow::Tensor;

REGISTER_OP("S2sPackedBestTokens")
    .Input("left: float")
    .Input("packed: int32")
    .Input("bias: float")
    .Output("log_probabilities: float")
    .Output("tokens: int32")
    .Attr("columns: int")
    .Attr("count: int")
    .Attr("first: int = 0")
    .Attr("low_precision: bool = false")
    .Doc(
        "Of the logits, left [rows, inner] times the packed matrix plus the bias [columns], the "
        "`count` largest from id `first` on, best first, of equals the lower id first; "
        "log-probabilities are among all tokens, and all NaN in a row with a NaN.");

namespace {

// What is kept of a row's logits in one slice.
struct Part {
  float largest;
  // Of e^(logit - largest) over the slice; where the largest is minus infinity, NaN if there is one
  // and else without meaning.
  float exponentials;
};

struct Candidate {
  float logit;
  // -1 where there is none.
  int32_t token;
};

class PackedBestTokensOp : public tensorflow::OpKernel {
 public:
  explicit PackedBestTokensOp(OpKernelConstruction* context) : OpKernel(context) {
    OP_REQUIRES_OK(context, context->GetAttr("columns", &columns_));
    OP_REQUIRES_OK(context, context->GetAttr("count", &count_));
    OP_REQUIRES_OK(context, context->GetAttr("first", &first_));
    OP_REQUIRES_OK(context, context->GetAttr("low_precision", &half_));
    OP_REQUIRES(context, first_ >= 0 && count_ > 0 && first_ + count_ <= columns_,
                tensorflow::errors::InvalidArgument(
                    "there must be `count` columns or more from `first` on"));
  }

  void Compute(OpKernelContext* context) override {
    const Tensor &left = context->input(0), &packed = context->input(1), &bias = context->input(2);
    OP_REQUIRES(context, left.dims() == 2 && left.dim_size(1) > 0,
                tensorflow::errors::InvalidArgument("left must be a matrix"));
    OP_REQUIRES(context, bias.NumElements() == columns_,
                tensorflow::errors::InvalidArgument("the bias needs a number for each column"));
    const int64_t rows = left.dim_size(0), inner = left.dim_size(1);
    Tensor *log_probabilities = nullptr, *tokens = nullptr;
    OP_REQUIRES_OK(context, context->allocate_output(0, {rows, count_}, &log_probabilities));
    OP_REQUIRES_OK(context, context->allocate_output(1, {rows, count_}, &tokens));
    const float *from = left.flat<float>().data(), *added = bias.flat<float>().data();
    float* to = log_probabilities->flat<float>().data();
    int32_t* ids = tokens->flat<int32_t>().data();
    s2s::Guard(context, [&] {
      const s2s::Slices slices(inner, columns_, half_);
      OP_REQUIRES(context, packed.NumElements() * sizeof(int32_t) == slices.Size(),
                  tensorflow::errors::InvalidArgument("the packed matrix has another shape"));
      std::vector<Part> parts(rows * slices.count);
      std::vector<Candidate> candidates(rows * slices.count * count_);
      s2s::ForEachSliceProduct(context, slices, packed.flat<int32_t>().data(), from, rows,
                               [&](int slice, int64_t start, int64_t count, float* logits) {
                                 const int64_t first = slices.Start(slice),
                                               width = slices.Columns(slice);
                                 for (int64_t row = 0; row < count; ++row) {
                                   const int64_t at = (start + row) * slices.count + slice;
                                   Slice(logits + row * width, added + first, first, width,
                                         &parts[at], &candidates[at * count_]);
                                 }
                               });
      for (int64_t row = 0; row < rows; ++row)
        Row(slices.count, &parts[row * slices.count], &candidates[row * slices.count * count_],
            to + row * count_, ids + row * count_);
    });
  }

 private:
  // Changes the logits.
  void Slice(float* logits, const float* bias, int64_t first, int64_t width, Part* part,
             Candidate* candidates) const {
    float largest = -INFINITY;
#pragma omp simd reduction(max : largest)
    for (int64_t i = 0; i < width; ++i) {
      logits[i] += bias[i];
      largest = std::max(largest, logits[i]);
    }
    // Of nothing but minus infinity, the exponentials of the differences would not be numbers.
    const float subtracted = largest == -INFINITY ? 0.0f : largest;
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < width; ++i) sum += s2s::Exp(logits[i] - subtracted);
    *part = {largest, sum};
    // What is not generated, and later what has been found, is made NaN, which no comparison finds.
    for (int64_t i = 0; i < std::min(width, first_ - first); ++i) logits[i] = NAN;
    for (int64_t found = 0; found < count_; ++found) {
      if (found > 0 || first < first_) {
        largest = -INFINITY;
#pragma omp simd reduction(max : largest)
        for (int64_t i = 0; i < width; ++i) largest = std::max(largest, logits[i]);
      }
      int place = INT_MAX;
#pragma omp simd reduction(min : place)
      for (int i = 0; i < static_cast<int>(width); ++i)
        place = std::min(place, logits[i] == largest ? i : INT_MAX);
      candidates[found] = {largest, place == INT_MAX ? -1 : static_cast<int32_t>(first) + place};
      if (place != INT_MAX) logits[place] = NAN;
    }
  }

  // From the parts of a row, in the order of their slices, which is that of the ids.
  void Row(int slices, const Part* parts, const Candidate* candidates, float* log_probabilities,
           int32_t* tokens) const {
    float largest = -INFINITY;
    for (int slice = 0; slice < slices; ++slice) largest = std::max(largest, parts[slice].largest);
    double sum = 0;
    for (int slice = 0; slice < slices; ++slice) {
      if (parts[slice].largest != -INFINITY || std::isnan(parts[slice].exponentials))
        sum += parts[slice].exponentials *
               std::exp(static_cast<double>(parts[slice].largest) - largest);
    }
    // Where all are minus infinity there are no probabilities.
    const double log_sum = largest == -INFINITY ? NAN : largest + std::log(sum);
    std::vector<Candidate> best;
    for (int i = 0; i < slices * count_; ++i) {
      const Candidate& candidate = candidates[i];
      if (candidate.token < 0 ||
          (static_cast<int64_t>(best.size()) == count_ && !(candidate.logit > best.back().logit)))
        continue;
      const auto place = std::upper_bound(
          best.begin(), best.end(), candidate,
          [](const Candidate& a, const Candidate& b) { return a.logit > b.logit; });
      best.insert(place, candidate);
      if (static_cast<int64_t>(best.size()) > count_) best.pop_back();
    }
    for (int64_t i = 0; i < count_; ++i) {
      const bool there = i < static_cast<int64_t>(best.size());
      tokens[i] = there ? best[i].token : static_cast<int32_t>(first_ + i);
      log_probabilities[i] = there ? static_cast<float>(best[i].logit - log_sum) : NAN;
    }
  }

  int64_t columns_, count_, first_;
  bool half_;
};

REGISTER_KERNEL_BUILDER(Name("S2sPackedBestTokens").Device(tensorflow::DEVICE_CPU),
                        PackedBestTokensOp);

}  // namespace
