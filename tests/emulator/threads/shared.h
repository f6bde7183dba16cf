// Shared memory of the running block.
#pragma once
#include "block.h"

constexpr size_t maxDynamicShared = 232448;

// Where the launch has its shared memory; before its first block.
void placeShared(const Launch &launch);

// Fills static and dynamic shared memory with NaN, so that what a block reads before writing it shows.
void poisonShared();

// Whether the bytes just past the dynamic shared memory have changed; further out lies an inaccessible page.
bool sharedOverrun();
