// The elementwise part of a step of a gated recurrent unit (Cho et al. 2014), for one row, in the
// form of cuDNN and PyTorch, which applies the reset gate after the recurrent product. Sums are [3
// * hidden] in the order reset, update, candidate (r, z, n).
#ifndef S2S_GRU_CELL_H_
#define S2S_GRU_CELL_H_

#include <cstdint>

#include "dtype.h"
#include "vector_math.h"

namespace s2s {

template <typename Element>
struct GruInputs {
  const Element* projected;     // [3 * hidden], the inputs times their kernel
  const float* bias;            // [3 * hidden], or unused
  const float* recurrent;       // [3 * hidden], the hidden state times its kernel, or unused
  const float* recurrent_bias;  // [3 * hidden], or unused
  const float* hidden;          // [hidden], before the step
};

struct GruOutputs {
  // [4 * hidden]: r, z and n after their nonlinearities, and the recurrent part of the sum of n
  // before the reset gate (q).
  float* gates;
  float* hidden;  // [hidden]; may be the input
};

template <bool kBias, bool kRecurrent, typename Element>
inline void GruForward(int64_t hidden, const GruInputs<Element>& inputs,
                       const GruOutputs& outputs) {
  // Locals, so that the compiler need not assume that the stores change the pointers.
  const Element* projected = inputs.projected;
  const float* bias = inputs.bias;
  const float* recurrent = inputs.recurrent;
  const float* recurrent_bias = inputs.recurrent_bias;
  const float* previous = inputs.hidden;
  float* gates = outputs.gates;
  float* next = outputs.hidden;
  const auto input_sum = [&](int64_t index) {
    float value = ToFloat(projected[index]);
    if constexpr (kBias) value += bias[index];
    return value;
  };
  const auto recurrent_sum = [&](int64_t index) {
    float value = 0.0f;
    if constexpr (kBias) value += recurrent_bias[index];
    if constexpr (kRecurrent) value += recurrent[index];
    return value;
  };
#pragma omp simd
  for (int64_t unit = 0; unit < hidden; ++unit) {
    const float r = Sigmoid(input_sum(unit) + recurrent_sum(unit));
    const float z = Sigmoid(input_sum(hidden + unit) + recurrent_sum(hidden + unit));
    const float q = recurrent_sum(2 * hidden + unit);
    const float n = Tanh(input_sum(2 * hidden + unit) + r * q);
    gates[unit] = r;
    gates[hidden + unit] = z;
    gates[2 * hidden + unit] = n;
    gates[3 * hidden + unit] = q;
    next[unit] = (1.0f - z) * n + z * previous[unit];
  }
}

struct GruGradInputs {
  const float* gates;   // [4 * hidden]: r, z, n, q
  const float* hidden;  // [hidden], before the step
  // The gradient of the hidden state after the step is the sum of two: by the next step and by the
  // output. The second may be unused.
  const float* d_next;
  const float* d_output;
};

template <typename Element>
struct GruGradOutputs {
  Element* d_projected;  // [3 * hidden]
  Element* d_recurrent;  // [3 * hidden], the gradient of the recurrent product
  // [hidden]: the part of the gradient of the hidden state before the step that does not pass
  // through the product; may be d_next.
  float* d_hidden;
};

template <bool kOutput, typename Element>
inline void GruBackward(int64_t hidden, const GruGradInputs& inputs,
                        const GruGradOutputs<Element>& outputs) {
  const float* gates = inputs.gates;
  const float* previous = inputs.hidden;
  const float* d_next = inputs.d_next;
  const float* d_output = inputs.d_output;
  Element* d_projected = outputs.d_projected;
  Element* d_recurrent = outputs.d_recurrent;
  float* d_hidden = outputs.d_hidden;
#pragma omp simd
  for (int64_t unit = 0; unit < hidden; ++unit) {
    const float r = gates[unit];
    const float z = gates[hidden + unit];
    const float n = gates[2 * hidden + unit];
    const float q = gates[3 * hidden + unit];
    float dh = d_next[unit];
    if constexpr (kOutput) dh += d_output[unit];
    const float dn = dh * (1.0f - z) * (1.0f - n * n);
    const Element dr = FromFloat<Element>(dn * q * r * (1.0f - r));
    const Element dz = FromFloat<Element>(dh * (previous[unit] - n) * z * (1.0f - z));
    d_projected[unit] = dr;
    d_projected[hidden + unit] = dz;
    d_projected[2 * hidden + unit] = FromFloat<Element>(dn);
    d_recurrent[unit] = dr;
    d_recurrent[hidden + unit] = dz;
    d_recurrent[2 * hidden + unit] = FromFloat<Element>(dn * r);
    d_hidden[unit] = dh * z;
  }
}

}  // namespace s2s

#endif  // S2S_GRU_CELL_H_
