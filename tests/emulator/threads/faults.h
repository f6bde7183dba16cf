// Turns what would end the process (an access outside memory, a division by zero) into a failed launch.
#pragma once
#include <csignal>
#include <vector>

class FaultGuard {
public:
  FaultGuard();
  ~FaultGuard();
  FaultGuard(const FaultGuard &) = delete;

private:
  struct sigaction before[3];
  stack_t stackBefore;
};
