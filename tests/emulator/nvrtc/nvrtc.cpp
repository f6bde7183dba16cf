// The emulated NVRTC: a program's "cubin" is a shared library that g++ has made of it.
#include "compile.h"

#include <cstdio>
#include <cstring>

// As in NVIDIA's nvrtc.h.
enum nvrtcResult {
  NVRTC_SUCCESS = 0,
  NVRTC_ERROR_INVALID_INPUT = 3,
  NVRTC_ERROR_INVALID_PROGRAM = 4,
  NVRTC_ERROR_INVALID_OPTION = 5,
  NVRTC_ERROR_COMPILATION = 6,
  NVRTC_ERROR_INTERNAL_ERROR = 11,
};

struct Program {
  Source source;
  std::string log, cubin;
};

#define EXPORT extern "C" __attribute__((visibility("default")))

EXPORT nvrtcResult nvrtcVersion(int *major, int *minor) {
  *major = 13;
  // No NVRTC has this version, and each emulator has its own: what is cached by version stays apart.
  *minor = 1000 + FETTLE_EMULATOR_BUILD;
  return NVRTC_SUCCESS;
}

EXPORT const char *nvrtcGetErrorString(nvrtcResult result) {
  switch (result) {
    case NVRTC_SUCCESS: return "NVRTC_SUCCESS";
    case NVRTC_ERROR_INVALID_INPUT: return "NVRTC_ERROR_INVALID_INPUT";
    case NVRTC_ERROR_INVALID_PROGRAM: return "NVRTC_ERROR_INVALID_PROGRAM";
    case NVRTC_ERROR_INVALID_OPTION: return "NVRTC_ERROR_INVALID_OPTION";
    case NVRTC_ERROR_COMPILATION: return "NVRTC_ERROR_COMPILATION";
    case NVRTC_ERROR_INTERNAL_ERROR: return "NVRTC_ERROR_INTERNAL_ERROR";
  }
  return "NVRTC_ERROR unknown";
}

EXPORT nvrtcResult nvrtcGetNumSupportedArchs(int *count) {
  *count = 1;
  return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetSupportedArchs(int *architectures) {
  *architectures = 90;
  return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcCreateProgram(Program **program, const char *source, const char *name, int headerCount,
                                      const char *const *headers, const char *const *headerNames) {
  if (program == nullptr || source == nullptr || headerCount < 0) return NVRTC_ERROR_INVALID_INPUT;
  auto *fresh = new Program;
  fresh->source.text = source;
  fresh->source.name = name == nullptr ? "default_program" : name;
  for (int i = 0; i < headerCount; i++) fresh->source.headers.emplace_back(headerNames[i], headers[i]);
  *program = fresh;
  return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcDestroyProgram(Program **program) {
  if (program == nullptr || *program == nullptr) return NVRTC_ERROR_INVALID_PROGRAM;
  delete *program;
  *program = nullptr;
  return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcCompileProgram(Program *program, int count, const char *const *options) {
  if (program == nullptr) return NVRTC_ERROR_INVALID_PROGRAM;
  std::vector<std::string> definitions;
  if (!readOptions(std::vector<std::string>(options, options + count), definitions, program->log)) {
    return NVRTC_ERROR_INVALID_OPTION;
  }
  return compile(program->source, definitions, program->cubin, program->log) ? NVRTC_SUCCESS : NVRTC_ERROR_COMPILATION;
}

EXPORT nvrtcResult nvrtcGetCUBINSize(Program *program, size_t *bytes) {
  if (program == nullptr || program->cubin.empty()) return NVRTC_ERROR_INVALID_PROGRAM;
  *bytes = program->cubin.size();
  return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetCUBIN(Program *program, char *cubin) {
  if (program == nullptr || program->cubin.empty()) return NVRTC_ERROR_INVALID_PROGRAM;
  std::memcpy(cubin, program->cubin.data(), program->cubin.size());
  return NVRTC_SUCCESS;
}

// There is one kind of result only.
EXPORT nvrtcResult nvrtcGetPTXSize(Program *program, size_t *bytes) { return nvrtcGetCUBINSize(program, bytes); }
EXPORT nvrtcResult nvrtcGetPTX(Program *program, char *ptx) { return nvrtcGetCUBIN(program, ptx); }

EXPORT nvrtcResult nvrtcGetProgramLogSize(Program *program, size_t *bytes) {
  if (program == nullptr) return NVRTC_ERROR_INVALID_PROGRAM;
  *bytes = program->log.size() + 1;
  return NVRTC_SUCCESS;
}

EXPORT nvrtcResult nvrtcGetProgramLog(Program *program, char *log) {
  if (program == nullptr) return NVRTC_ERROR_INVALID_PROGRAM;
  std::memcpy(log, program->log.c_str(), program->log.size() + 1);
  return NVRTC_SUCCESS;
}
