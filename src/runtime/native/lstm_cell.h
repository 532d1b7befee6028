// The elementwise part of an LSTM step (Hochreiter and Schmidhuber 1997, with the forget gate of
// Gers et al. 2000), for one row. Gates are [4 * hidden] in the order input, forget, candidate,
// output (i, f, g, o).
#ifndef S2S_LSTM_CELL_H_
#define S2S_LSTM_CELL_H_

#include <cstdint>

#include "dtype.h"
#include "vector_math.h"

namespace s2s {

// The pre-activations of the gates are projected + bias + recurrent.
template <typename Element>
struct CellInputs {
  const Element* projected;  // [4 * hidden], the inputs times their kernel
  const float* bias;         // [4 * hidden], or unused
  const float* recurrent;    // [4 * hidden], the hidden state times its kernel, or unused
  const float* cell;         // [hidden]
};

struct CellOutputs {
  float* gates;   // [4 * hidden], after their nonlinearities
  float* cell;    // [hidden]; may be the input
  float* hidden;  // [hidden]
};

template <bool kBias, bool kRecurrent, typename Element>
inline void CellForward(int64_t hidden, const CellInputs<Element>& inputs,
                        const CellOutputs& outputs) {
  // Locals, so that the compiler need not assume that the stores change the pointers.
  const Element* projected = inputs.projected;
  const float* bias = inputs.bias;
  const float* recurrent = inputs.recurrent;
  const float* cell = inputs.cell;
  float* gates = outputs.gates;
  float* next_cell = outputs.cell;
  float* next_hidden = outputs.hidden;
  const auto preactivation = [&](int64_t index) {
    float value = ToFloat(projected[index]);
    if constexpr (kBias) value += bias[index];
    if constexpr (kRecurrent) value += recurrent[index];
    return value;
  };
#pragma omp simd
  for (int64_t unit = 0; unit < hidden; ++unit) {
    const float i = Sigmoid(preactivation(unit));
    const float f = Sigmoid(preactivation(hidden + unit));
    const float g = Tanh(preactivation(2 * hidden + unit));
    const float o = Sigmoid(preactivation(3 * hidden + unit));
    const float c = f * cell[unit] + i * g;
    gates[unit] = i;
    gates[hidden + unit] = f;
    gates[2 * hidden + unit] = g;
    gates[3 * hidden + unit] = o;
    next_cell[unit] = c;
    next_hidden[unit] = o * Tanh(c);
  }
}

struct CellGradInputs {
  const float* gates;      // [4 * hidden]
  const float* cell;       // [hidden], before the step
  const float* next_cell;  // [hidden], after the step
  // The gradient of the hidden state after the step is the sum of two: by the next step and by the
  // output. The second may be unused.
  const float* d_hidden;
  const float* d_output;
  const float* d_next_cell;  // [hidden]
};

template <typename Element>
struct CellGradOutputs {
  Element* d_preactivations;  // [4 * hidden]
  float* d_cell;              // [hidden]; may be d_next_cell
};

template <bool kOutput, typename Element>
inline void CellBackward(int64_t hidden, const CellGradInputs& inputs,
                         const CellGradOutputs<Element>& outputs) {
  const float* gates = inputs.gates;
  const float* cell = inputs.cell;
  const float* next_cell = inputs.next_cell;
  const float* d_hidden = inputs.d_hidden;
  const float* d_output = inputs.d_output;
  const float* d_next_cell = inputs.d_next_cell;
  Element* d_preactivations = outputs.d_preactivations;
  float* d_cell = outputs.d_cell;
#pragma omp simd
  for (int64_t unit = 0; unit < hidden; ++unit) {
    const float i = gates[unit];
    const float f = gates[hidden + unit];
    const float g = gates[2 * hidden + unit];
    const float o = gates[3 * hidden + unit];
    const float t = Tanh(next_cell[unit]);
    float dh = d_hidden[unit];
    if constexpr (kOutput) dh += d_output[unit];
    const float dc = d_next_cell[unit] + dh * o * (1.0f - t * t);
    d_preactivations[unit] = FromFloat<Element>(dc * g * i * (1.0f - i));
    d_preactivations[hidden + unit] = FromFloat<Element>(dc * cell[unit] * f * (1.0f - f));
    d_preactivations[2 * hidden + unit] = FromFloat<Element>(dc * i * (1.0f - g * g));
    d_preactivations[3 * hidden + unit] = FromFloat<Element>(dh * t * o * (1.0f - o));
    d_cell[unit] = dc * f;
  }
}

}  // namespace s2s

#endif  // S2S_LSTM_CELL_H_
