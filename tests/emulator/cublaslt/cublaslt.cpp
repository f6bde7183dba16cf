// The emulated cuBLASLt: descriptors, two made-up algorithms, and the product itself (product.cpp).
#include "product.h"

#include <cstdlib>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>

// As in NVIDIA's cublasLt.h, cublas_api.h and library_types.h.
enum cublasStatus_t {
  CUBLAS_STATUS_SUCCESS = 0,
  CUBLAS_STATUS_NOT_INITIALIZED = 1,
  CUBLAS_STATUS_INVALID_VALUE = 7,
  CUBLAS_STATUS_EXECUTION_FAILED = 13,
  CUBLAS_STATUS_NOT_SUPPORTED = 15,
};
enum { CUDA_R_32F = 0, CUDA_R_16BF = 14 };
enum { CUBLAS_OP_N = 0, CUBLAS_OP_T = 1 };
enum { CUBLASLT_EPILOGUE_DEFAULT = 1, CUBLASLT_EPILOGUE_BIAS = 4 };

struct MatmulDesc {
  int computeType, scaleType;
  int32_t transposeA, transposeB;
  uint32_t epilogue;
  const void *bias;
  int32_t biasType; // -1: that of D
};

struct Layout {
  int32_t type;
  int32_t order; // 0: columns, 1: rows
  uint64_t rows, columns;
  int64_t ld;
};

struct Preference {
  uint64_t workspace;
  uint32_t alignment[4]; // of A, B, C, D in bytes
};

struct Algorithm {
  uint64_t data[8];
};

struct HeuristicResult {
  Algorithm algorithm;
  size_t workspaceBytes;
  cublasStatus_t state;
  float waves;
  int reserved[4];
};

struct Handle {
  int unused;
};

#define EXPORT extern "C" __attribute__((visibility("default")))

namespace {

constexpr uint64_t magic = 0x656c74746566u;

bool knownType(int type) { return type == CUDA_R_32F || type == CUDA_R_16BF; }

// Copies an attribute of exactly the size of `field`.
template <class Field> cublasStatus_t setField(Field &field, const void *value, size_t bytes) {
  if (value == nullptr || bytes != sizeof field) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&field, value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t refuse(const char *why) {
  std::fprintf(stderr, "emulator: cublasLt: %s\n", why);
  return CUBLAS_STATUS_NOT_SUPPORTED;
}

// Whether cuBLASLt has the combination of types, and the shapes fit together.
cublasStatus_t check(const MatmulDesc &desc, const Layout &a, const Layout &b, const Layout &c, const Layout &d) {
  uint64_t rows = desc.transposeA == CUBLAS_OP_N ? a.rows : a.columns,
           innerA = desc.transposeA == CUBLAS_OP_N ? a.columns : a.rows;
  uint64_t innerB = desc.transposeB == CUBLAS_OP_N ? b.rows : b.columns,
           columns = desc.transposeB == CUBLAS_OP_N ? b.columns : b.rows;
  if (innerA != innerB || rows != d.rows || columns != d.columns || c.rows != d.rows || c.columns != d.columns) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  for (const Layout *layout : {&a, &b, &c, &d}) {
    uint64_t least = layout->order == 0 ? layout->rows : layout->columns;
    if (layout->ld < 0 || static_cast<uint64_t>(layout->ld) < least || layout->rows == 0 || layout->columns == 0) {
      return CUBLAS_STATUS_INVALID_VALUE;
    }
  }
  if (desc.scaleType != CUDA_R_32F) return refuse("the scale type is not f32");
  if (a.type != b.type || c.type != d.type) return refuse("types of A and B, or of C and D, differ");
  if (a.type == CUDA_R_32F && d.type != CUDA_R_32F) return refuse("a product of f32 gives f32");
  if (desc.epilogue != CUBLASLT_EPILOGUE_DEFAULT && desc.epilogue != CUBLASLT_EPILOGUE_BIAS)
    return refuse("epilogue not emulated");
  int biasType = desc.biasType < 0 ? d.type : desc.biasType;
  if (desc.epilogue == CUBLASLT_EPILOGUE_BIAS && biasType != d.type) return refuse("the bias has another type than D");
  return CUBLAS_STATUS_SUCCESS;
}

Matrix matrixOf(const void *data, const Layout &layout, bool transposed) {
  int64_t down = layout.order == 0 ? 1 : layout.ld, right = layout.order == 0 ? layout.ld : 1;
  return {const_cast<void *>(data), layout.type == CUDA_R_16BF, transposed ? right : down, transposed ? down : right};
}

bool aligned(const void *at, uint64_t bytes) { return reinterpret_cast<uintptr_t>(at) % bytes == 0; }

} // namespace

EXPORT size_t cublasLtGetVersion() { return 130002; }

EXPORT const char *cublasLtGetStatusName(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
  }
  return "<unknown>";
}

EXPORT const char *cublasLtGetStatusString(cublasStatus_t status) { return cublasLtGetStatusName(status); }

EXPORT cublasStatus_t cublasLtCreate(Handle **handle) {
  *handle = new Handle{};
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtDestroy(Handle *handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulDescCreate(MatmulDesc **desc, int computeType, int scaleType) {
  // CUBLAS_COMPUTE_32F, its pedantic variant, and those that may round inputs to bf16 or tf32.
  bool known = computeType == 68 || computeType == 69 || computeType == 75 || computeType == 77;
  if (!known) return CUBLAS_STATUS_INVALID_VALUE;
  *desc = new MatmulDesc{computeType, scaleType, CUBLAS_OP_N, CUBLAS_OP_N, CUBLASLT_EPILOGUE_DEFAULT, nullptr, -1};
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulDescDestroy(MatmulDesc *desc) {
  delete desc;
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulDescSetAttribute(MatmulDesc *desc, int attribute, const void *value, size_t bytes) {
  switch (attribute) {
    case 1: return setField(desc->scaleType, value, bytes);
    case 3: return setField(desc->transposeA, value, bytes);
    case 4: return setField(desc->transposeB, value, bytes);
    case 7: return setField(desc->epilogue, value, bytes);
    case 8: return setField(desc->bias, value, bytes);
    case 26: return setField(desc->biasType, value, bytes);
    default: return CUBLAS_STATUS_INVALID_VALUE;
  }
}

EXPORT cublasStatus_t cublasLtMatrixLayoutCreate(Layout **layout, int type, uint64_t rows, uint64_t columns,
                                                 int64_t ld) {
  if (!knownType(type)) return CUBLAS_STATUS_INVALID_VALUE;
  *layout = new Layout{type, 0, rows, columns, ld};
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatrixLayoutDestroy(Layout *layout) {
  delete layout;
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatrixLayoutSetAttribute(Layout *layout, int attribute, const void *value, size_t bytes) {
  switch (attribute) {
    case 0: return setField(layout->type, value, bytes);
    case 1: return setField(layout->order, value, bytes);
    case 2: return setField(layout->rows, value, bytes);
    case 3: return setField(layout->columns, value, bytes);
    case 4: return setField(layout->ld, value, bytes);
    default: return CUBLAS_STATUS_INVALID_VALUE;
  }
}

EXPORT cublasStatus_t cublasLtMatmulPreferenceCreate(Preference **preference) {
  *preference = new Preference{0, {256, 256, 256, 256}};
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulPreferenceDestroy(Preference *preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulPreferenceSetAttribute(Preference *preference, int attribute, const void *value,
                                                           size_t bytes) {
  uint32_t reductionMask;
  switch (attribute) {
    case 1: return setField(preference->workspace, value, bytes);
    case 3: return setField(reductionMask, value, bytes);
    case 5:
    case 6:
    case 7:
    case 8: return setField(preference->alignment[attribute - 5], value, bytes);
    default: return CUBLAS_STATUS_INVALID_VALUE;
  }
}

EXPORT cublasStatus_t cublasLtMatmulAlgoGetHeuristic(Handle *handle, MatmulDesc *desc, Layout *a, Layout *b, Layout *c,
                                                     Layout *d, Preference *preference, int wanted,
                                                     HeuristicResult *results, int *found) {
  *found = 0;
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (wanted < 1 || preference == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  if (cublasStatus_t status = check(*desc, *a, *b, *c, *d)) return status;
  *found = wanted < 2 ? wanted : 2;
  for (int i = 0; i < *found; i++) {
    const uint32_t *alignment = preference->alignment;
    results[i] = {};
    results[i].algorithm = {{magic, alignment[0], alignment[1], alignment[2], alignment[3], static_cast<uint64_t>(i)}};
    results[i].workspaceBytes = preference->workspace < 1024 ? preference->workspace : 1024;
    results[i].waves = 1;
  }
  return CUBLAS_STATUS_SUCCESS;
}

EXPORT cublasStatus_t cublasLtMatmulAlgoCheck(Handle *handle, MatmulDesc *desc, Layout *a, Layout *b, Layout *c,
                                              Layout *d, const Algorithm *algorithm, HeuristicResult *result) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (algorithm->data[0] != magic) return CUBLAS_STATUS_INVALID_VALUE;
  result->workspaceBytes = 0;
  result->waves = 1;
  return result->state = check(*desc, *a, *b, *c, *d);
}

EXPORT cublasStatus_t cublasLtMatmul(Handle *handle, MatmulDesc *desc, const float *alpha, const void *a,
                                     Layout *layoutA, const void *b, Layout *layoutB, const float *beta, const void *c,
                                     Layout *layoutC, void *d, Layout *layoutD, const Algorithm *algorithm, void *,
                                     size_t, void *) {
  if (handle == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (cublasStatus_t status = check(*desc, *layoutA, *layoutB, *layoutC, *layoutD)) return status;
  if (algorithm != nullptr) {
    const uint64_t *data = algorithm->data;
    if (data[0] != magic) return CUBLAS_STATUS_INVALID_VALUE;
    // An algorithm may use the alignment that the preference promised; a GPU reads garbage or faults if it is not
    // there.
    if (!aligned(a, data[1]) || !aligned(b, data[2]) || (*beta != 0 && !aligned(c, data[3])) || !aligned(d, data[4])) {
      std::fprintf(
          stderr,
          "emulator: cublasLt: %p, %p, %p, %p are aligned worse than the preference says: %llu, %llu, %llu, %llu\n", a,
          b, c, d, static_cast<unsigned long long>(data[1]), static_cast<unsigned long long>(data[2]),
          static_cast<unsigned long long>(data[3]), static_cast<unsigned long long>(data[4]));
      return CUBLAS_STATUS_EXECUTION_FAILED;
    }
  }
  static const bool skip = std::getenv("FETTLE_EMULATOR_SKIP") != nullptr;
  if (skip) return CUBLAS_STATUS_SUCCESS;
  bool biased = desc->epilogue == CUBLASLT_EPILOGUE_BIAS;
  if (biased && desc->bias == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
  MatrixProduct product = {static_cast<int64_t>(layoutD->rows),
                           static_cast<int64_t>(layoutD->columns),
                           static_cast<int64_t>(desc->transposeA == CUBLAS_OP_N ? layoutA->columns : layoutA->rows),
                           matrixOf(a, *layoutA, desc->transposeA != CUBLAS_OP_N),
                           matrixOf(b, *layoutB, desc->transposeB != CUBLAS_OP_N),
                           matrixOf(c, *layoutC, false),
                           matrixOf(d, *layoutD, false),
                           *alpha,
                           *beta,
                           biased ? desc->bias : nullptr};
  multiply(product);
  return CUBLAS_STATUS_SUCCESS;
}
