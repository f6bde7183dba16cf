#include "product.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace {

float read(const void *data, bool isBf16, int64_t at) {
  if (!isBf16) return static_cast<const float *>(data)[at];
  uint32_t bits = static_cast<uint32_t>(static_cast<const uint16_t *>(data)[at]) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// To nearest, ties to even; NaN stays NaN.
uint16_t toBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>(bits >> 16 | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

float element(const Matrix &matrix, int64_t row, int64_t column) {
  return read(matrix.data, matrix.isBf16, row * matrix.down + column * matrix.right);
}

void setElement(const Matrix &matrix, int64_t row, int64_t column, float value) {
  int64_t at = row * matrix.down + column * matrix.right;
  if (matrix.isBf16) static_cast<uint16_t *>(matrix.data)[at] = toBf16(value);
  else static_cast<float *>(matrix.data)[at] = value;
}

constexpr int64_t rowTile = 64, columnTile = 4;

// sums[column][row] += a · b of a tile; `a` as [inner][rowTile], `b` as [inner][columnTile].
void addTile(float (&sums)[columnTile][rowTile], const float *a, const float *b, int64_t inner) {
  for (int64_t k = 0; k < inner; k++, a += rowTile, b += columnTile) {
    for (int64_t column = 0; column < columnTile; column++) {
      for (int64_t row = 0; row < rowTile; row++) sums[column][row] += a[row] * b[column];
    }
  }
}

} // namespace

void multiply(const MatrixProduct &p) {
  std::vector<float> a(static_cast<size_t>(p.inner * rowTile));
  int64_t columnTiles = (p.columns + columnTile - 1) / columnTile;
  // All of b, tile by tile, [columnTiles][inner][columnTile]; what lies past its edge is 0.
  std::vector<float> b(static_cast<size_t>(columnTiles * p.inner * columnTile));
  for (int64_t column = 0; column < p.columns; column++) {
    float *to = b.data() + column / columnTile * p.inner * columnTile + column % columnTile;
    for (int64_t k = 0; k < p.inner; k++) to[k * columnTile] = element(p.b, k, column);
  }
  for (int64_t firstRow = 0; firstRow < p.rows; firstRow += rowTile) {
    int64_t rows = std::min(rowTile, p.rows - firstRow);
    for (int64_t k = 0; k < p.inner; k++) {
      for (int64_t row = 0; row < rows; row++)
        a[static_cast<size_t>(k * rowTile + row)] = element(p.a, firstRow + row, k);
    }
    for (int64_t tile = 0; tile < columnTiles; tile++) {
      float sums[columnTile][rowTile] = {};
      addTile(sums, a.data(), b.data() + tile * p.inner * columnTile, p.inner);
      for (int64_t i = 0; i < std::min(columnTile, p.columns - tile * columnTile); i++) {
        int64_t column = tile * columnTile + i;
        for (int64_t row = 0; row < rows; row++) {
          float value = p.alpha * sums[i][row];
          if (p.beta != 0) value += p.beta * element(p.c, firstRow + row, column);
          if (p.bias != nullptr) value += read(p.bias, p.d.isBf16, firstRow + row);
          setElement(p.d, firstRow + row, column, value);
        }
      }
    }
  }
}
