// The pointwise part of an LSTM step (Hochreiter and Schmidhuber 1997; forget gate of Gers et al.
// 2000), a row at a time.
#ifndef S2S_LSTM_CELL_H_
#define S2S_LSTM_CELL_H_

#include <cstdint>

#include "numbers.h"

namespace s2s {

// Sums of a step's gates, [4 * hidden] in the order i, f, g, o: projected + bias + recurrent, of
// which the last two may be null. Writes the gates after their nonlinearity, the next cell and the
// next hidden state; `cell` may be `next_cell`.
template <bool kBias, bool kRecurrent, typename Number>
inline void CellForward(int64_t hidden, const Number* projected, const float* bias,
                        const float* recurrent, const float* cell, float* gates, float* next_cell,
                        float* next_hidden) {
  const auto sum = [&](int64_t index) {
    float value = AsFloat(projected[index]);
    if constexpr (kBias) value += bias[index];
    if constexpr (kRecurrent) value += recurrent[index];
    return value;
  };
#pragma omp simd
  for (int64_t unit = 0; unit < hidden; ++unit) {
    const float i = Sigmoid(sum(unit));
    const float f = Sigmoid(sum(hidden + unit));
    const float g = Tanh(sum(2 * hidden + unit));
    const float o = Sigmoid(sum(3 * hidden + unit));
    const float c = f * cell[unit] + i * g;
    gates[unit] = i;
    gates[hidden + unit] = f;
    gates[2 * hidden + unit] = g;
    gates[3 * hidden + unit] = o;
    next_cell[unit] = c;
    next_hidden[unit] = o * Tanh(c);
  }
}

// The gradient of the same: from those of the hidden state (the sum of two, the second may be null)
// and of the cell after the step to those of the sums of the gates and of the cell before it;
// `d_cell` may be `d_next_cell`.
template <bool kMore, typename Number>
inline void CellBackward(int64_t hidden, const float* gates, const float* cell,
                         const float* next_cell, const float* d_hidden, const float* more_d_hidden,
                         const float* d_next_cell, Number* d_sums, float* d_cell) {
#pragma omp simd
  for (int64_t unit = 0; unit < hidden; ++unit) {
    const float i = gates[unit], f = gates[hidden + unit], g = gates[2 * hidden + unit],
                o = gates[3 * hidden + unit];
    const float t = Tanh(next_cell[unit]);
    float dh = d_hidden[unit];
    if constexpr (kMore) dh += more_d_hidden[unit];
    const float dc = d_next_cell[unit] + dh * o * (1.0f - t * t);
    d_sums[unit] = FromFloat<Number>(dc * g * i * (1.0f - i));
    d_sums[hidden + unit] = FromFloat<Number>(dc * cell[unit] * f * (1.0f - f));
    d_sums[2 * hidden + unit] = FromFloat<Number>(dc * i * (1.0f - g * g));
    d_sums[3 * hidden + unit] = FromFloat<Number>(dh * t * o * (1.0f - o));
    d_cell[unit] = dc * f;
  }
}

}  // namespace s2s

#endif  // S2S_LSTM_CELL_H_
