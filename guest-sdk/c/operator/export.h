// What makes a Wasm module of an operator: one macro for each interface that it has. Natively, in tests, they export
// nothing.
#pragma once

#include "process.h"
#include "settings.h"

// What an operator says of itself; texts that are not set are empty.
typedef struct {
  // For people.
  const char *name;
  const char *version;
  // `transform` never changes a key and never makes rows of another key: the host needs no repartition topic before a
  // reduce. A wrong `true` gives wrong results.
  bool preserves_key;
  // Names the bytes of an accumulator, at most 256 bytes; whoever reduces sets it. A module with the same string reads
  // the accumulators of another.
  const char *state_schema;
  // Names the bytes of the values between transform and reduce, at most 256 bytes.
  const char *row_schema;
} op_description;

// Takes the settings and says what the operator is, by changing what OP_OPERATOR gave. Answers with the text that
// stops the start, else with NULL.
typedef const char *(*op_configure_function)(const op_settings *settings, op_description *description);

static inline op_list_u8 op_text_list(const char *text) {
  return op_list_of(op_text(text ? text : ""));
}

// An operator without settings of its own.
static inline const char *op_no_settings(const op_settings *settings, op_description *description) {
  (void)description;
  return op_expect_only(settings, (const char *const[]){NULL});
}

#ifdef __wasm32__
#define OP_EXPORT(name) __attribute__((export_name(name)))

// The host puts the parameters of a call into memory that it gets here.
__attribute__((export_name("cabi_realloc"))) void *op_cabi_realloc(void *old, size_t old_size, size_t align,
                                                                  size_t size) {
  (void)align;
  return old_size ? op_realloc(old, old_size, size) : op_alloc(size);
}

// Every operator has one: `OP_OPERATOR(op_no_settings, .name = "count", .version = "1")`.
#define OP_OPERATOR(configure_, ...)                                                                          \
  static op_description op_described = {__VA_ARGS__};                                                         \
  OP_EXPORT("host:operator/module@0.1.0#configure") op_configured *op_configure(op_pair *pairs, size_t n) {   \
    op_settings settings = {pairs, n};                                                                        \
    const char *error = configure_(&settings, &op_described);                                                 \
    op_configured *answer = op_alloc(sizeof *answer);                                                         \
    *answer = (op_configured){.is_error = error != NULL, .text = op_text_list(error)};                        \
    return answer;                                                                                            \
  }                                                                                                           \
  OP_EXPORT("cabi_post_host:operator/module@0.1.0#configure") void op_post_configure(op_configured *answer) { \
    (void)answer;                                                                                             \
    op_arena_reset();                                                                                         \
  }                                                                                                           \
  OP_EXPORT("host:operator/module@0.1.0#describe") op_wit_description *op_describe(void) {                    \
    op_wit_description *answer = op_alloc(sizeof *answer);                                                    \
    answer->name = op_text_list(op_described.name);                                                           \
    answer->version = op_text_list(op_described.version);                                                     \
    answer->preserves_key = op_described.preserves_key;                                                       \
    answer->state_schema = op_text_list(op_described.state_schema);                                           \
    answer->row_schema = op_text_list(op_described.row_schema);                                               \
    return answer;                                                                                            \
  }                                                                                                           \
  OP_EXPORT("cabi_post_host:operator/module@0.1.0#describe") void op_post_describe(op_wit_description *a) {   \
    (void)a;                                                                                                  \
    op_arena_reset();                                                                                         \
  }

#define OP_EXPORT_CALL(interface, function, answer_type, parameters, run)                                        \
  OP_EXPORT("host:operator/" interface "@0.1.0#" #function) answer_type *op_##function parameters {              \
    answer_type *answer = op_alloc(sizeof *answer);                                                              \
    run;                                                                                                         \
    return answer;                                                                                               \
  }                                                                                                              \
  OP_EXPORT("cabi_post_host:operator/" interface "@0.1.0#" #function) void op_post_##function(answer_type *ret) { \
    (void)ret;                                                                                                   \
    op_arena_reset();                                                                                            \
  }

#define OP_TRANSFORM(transform_)                                                                   \
  OP_EXPORT_CALL("transformer", transform, op_transform_answer, (const op_transform_call *call), \
                 op_run_transform(transform_, call, answer))

#define OP_REDUCE(fold_)                                                              \
  OP_EXPORT_CALL("reducer", reduce, op_reduce_answer, (const op_reduce_call *call), \
                 op_run_reduce(fold_, call, answer))

// In place of OP_REDUCE and OP_FINISH.
#define OP_PROCESS(process_)                                                      \
  OP_EXPORT_CALL("processor", process, op_process_answer, (const op_groups *groups), \
                 op_run_process(process_, groups, answer))

// Two columns, flat.
#define OP_COLUMNS                                                                                                 \
  (uint8_t * a, size_t an, uint32_t * ao, size_t aon, uint8_t * ab, size_t abn, uint8_t * b, size_t bn,            \
   uint32_t * bo, size_t bon, uint8_t * bb, size_t bbn)
#define OP_COLUMN_A (&(op_bytes_column){{a, an}, {ao, aon}, {ab, abn}})
#define OP_COLUMN_B (&(op_bytes_column){{b, bn}, {bo, bon}, {bb, bbn}})

#define OP_FINISH(finish_) \
  OP_EXPORT_CALL("finisher", finish, op_column_answer, OP_COLUMNS, op_run_finish(finish_, OP_COLUMN_A, OP_COLUMN_B, answer))

#define OP_MERGE(merge_) \
  OP_EXPORT_CALL("merger", merge, op_column_answer, OP_COLUMNS, op_run_merge(merge_, OP_COLUMN_A, OP_COLUMN_B, answer))
#else
#define OP_UNUSED __attribute__((unused))
#define OP_OPERATOR(configure_, ...)                  \
  OP_UNUSED static op_description op_described = {__VA_ARGS__}; \
  OP_UNUSED static const op_configure_function op_configure = configure_;
#define OP_TRANSFORM(transform_) OP_UNUSED static const op_transform_function op_exported_transform = transform_;
#define OP_REDUCE(fold_) OP_UNUSED static const op_fold_function op_exported_fold = fold_;
#define OP_PROCESS(process_) OP_UNUSED static const op_process_function op_exported_process = process_;
#define OP_FINISH(finish_) OP_UNUSED static const op_finish_function op_exported_finish = finish_;
#define OP_MERGE(merge_) OP_UNUSED static const op_merge_function op_exported_merge = merge_;
#endif
