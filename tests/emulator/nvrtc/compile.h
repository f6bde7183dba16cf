#pragma once
#include <string>
#include <utility>
#include <vector>

struct Source {
  std::string text, name;
  // Name by which they are included, and text.
  std::vector<std::pair<std::string, std::string>> headers;
};

// Collects the macros among NVRTC's options, as g++ takes them; false, with a line in `log`, for an unknown option.
bool readOptions(const std::vector<std::string> &options, std::vector<std::string> &definitions, std::string &log);

// A shared library with all kernels of the source, as bytes; false, with the compiler's words in `log`, if not.
bool compile(const Source &source, const std::vector<std::string> &definitions, std::string &library, std::string &log);
