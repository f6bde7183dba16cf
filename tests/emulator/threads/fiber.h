// Many stacks on one OS thread, switched between by hand.
#pragma once
#include <cstddef>

struct Fiber {
  void *stackPointer;
};

// The stack of fiber number `index`; one process-wide set, made as needed, each below an inaccessible page.
void *fiberStackTop(int index);

// Has the first switch to `fiber` call `entry`, which must never return.
void prepareFiber(Fiber &fiber, void *stackTop, void (*entry)());

// Goes on with `to` where it left off; returns when something switches back to `from`.
void switchFiber(Fiber &from, Fiber &to);
