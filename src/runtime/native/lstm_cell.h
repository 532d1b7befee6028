// The pointwise part of an LSTM step (Hochreiter and Schmidhuber 1997; forget gate of Gers et al. 2000), a row at a time.
#ifndef S2S_LSTM_CELL_H_
#define S2S_LSTM_CELL_H_

#include <cstdint>

#include "numbers.h"

namespace s2s {

// Sums of a step's gates, [4 * hidden] in the order i, f, g, o, in two parts: `projected` and, unless null, `recurrent`.
// Writes the gates after their nonlinearity, the next cell and the next hidden state; `cell` may be `next_cell`.
inline void CellForward(int64_t hidden, const float* projected, const float* recurrent, const float* cell, float* gates, float* next_cell, float* next_hidden) {
  const auto sum = [&](int64_t index) { return recurrent == nullptr ? projected[index] : projected[index] + recurrent[index]; };
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

// The gradient of the same: from those of the hidden state (in two parts, the second may be null) and of the cell after
// the step to those of the sums of the gates and of the cell before it; `d_cell` may be `d_next_cell`.
inline void CellBackward(int64_t hidden, const float* gates, const float* cell, const float* next_cell, const float* d_hidden, const float* more_d_hidden, const float* d_next_cell, float* d_sums, float* d_cell) {
#pragma omp simd
  for (int64_t unit = 0; unit < hidden; ++unit) {
    const float i = gates[unit], f = gates[hidden + unit], g = gates[2 * hidden + unit], o = gates[3 * hidden + unit];
    const float t = Tanh(next_cell[unit]);
    const float dh = more_d_hidden == nullptr ? d_hidden[unit] : d_hidden[unit] + more_d_hidden[unit];
    const float dc = d_next_cell[unit] + dh * o * (1.0f - t * t);
    d_sums[unit] = dc * g * i * (1.0f - i);
    d_sums[hidden + unit] = dc * cell[unit] * f * (1.0f - f);
    d_sums[2 * hidden + unit] = dc * i * (1.0f - g * g);
    d_sums[3 * hidden + unit] = dh * t * o * (1.0f - o);
    d_cell[unit] = dc * f;
  }
}

}  // namespace s2s

#endif  // S2S_LSTM_CELL_H_
