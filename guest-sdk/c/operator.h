// Write an operator for wasmhost in C: what happens to one record, or how a value is folded into the state of its
// key. Include this file in the one source file of the operator; README.md has a first operator.
//
// Bytes are borrowed from the batch: they are good until the function that got them returns. What is emitted or set
// is copied. There is nothing to free.
#pragma once

#include "operator/bytes.h"
#include "operator/error.h"
#include "operator/export.h"
#include "operator/log.h"
#include "operator/number.h"
#include "operator/output.h"
#include "operator/process.h"
#include "operator/record.h"
#include "operator/run.h"
#include "operator/settings.h"
#include "operator/state.h"
