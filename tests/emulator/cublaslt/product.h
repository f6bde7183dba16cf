#pragma once
#include <cstdint>

// Element (row, column) stands at `row * down + column * right`.
struct Matrix {
  void *data;
  bool isBf16; // else f32
  int64_t down, right;
};

// d = alpha a·b + beta c, and the bias (of the type of d, one for each row) added to every column.
struct MatrixProduct {
  int64_t rows, columns, inner;
  Matrix a, b, c, d;
  float alpha, beta;
  const void *bias;
};

// Sums are in f32, in order of the inner index. With beta = 0, c is not read.
void multiply(const MatrixProduct &product);
