/* Seals the keyring of a keeper under its next vault key, as step 3 of an erasure does and nothing
 * else of it. */
#pragma once

#include "tests/support/keep_fixture.h"

void keyring_roll(KeepFixture *fixture, const VaultKey *next);
