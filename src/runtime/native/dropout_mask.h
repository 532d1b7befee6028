// The masks of inverted dropout (Srivastava et al. 2014), for all ops that drop elements. A mask is
// that of TensorFlow's StatelessRandomUniform (version 1) for the same seeds; it is generated in
// registers and never stored.
#ifndef S2S_DROPOUT_MASK_H_
#define S2S_DROPOUT_MASK_H_

#include <cstdint>

#include "op_tensors.h"

namespace s2s {

// Attribute `rate` of an op with dropout.
absl::Status GetDropoutRate(tensorflow::OpKernelConstruction* context, float* rate);

// A mask over the elements of a tensor, numbered in row-major order.
class DropoutMask {
 public:
  // No mask: nothing is dropped.
  DropoutMask() = default;
  DropoutMask(int32_t first_seed, int32_t second_seed, float rate);

  // The mask for the seeds [2] of an input; with an empty input or rate 0, nothing is dropped.
  static absl::Status FromInput(tensorflow::OpKernelContext* context, int input, float rate,
                                DropoutMask* mask);

  bool DropsNothing() const { return threshold_ == 0; }

  // Masks elements start ... start + count - 1: 0 where the element's uniform random number in
  // [0, 1) is less than the rate, otherwise the element / (1 - rate). `from` and `to` point to the
  // first of them and may be equal. Fastest if `start` is a multiple of 64.
  void Apply(int64_t start, int64_t count, const float* from, float* to) const;

 private:
  uint32_t key_[2] = {};
  // Of the four words of a counter, the first two number the counters.
  uint32_t counter2_ = 0;
  uint32_t counter3_ = 0;
  uint32_t threshold_ = 0;
  float scale_ = 1;
};

}  // namespace s2s

#endif  // S2S_DROPOUT_MASK_H_
