/* SPDX-License-Identifier: GPL-3.0-or-later
 * Thrift compact protocol: a bounded reader and a small writer, as far as Parquet metadata needs them. */
#ifndef TAPEDECK_PQ_THRIFT_H
#define TAPEDECK_PQ_THRIFT_H

#include <tapedeck/base.h>

enum pq_thrift_type {
    PQ_T_STOP = 0,
    PQ_T_TRUE = 1,
    PQ_T_FALSE = 2,
    PQ_T_I8 = 3,
    PQ_T_I16 = 4,
    PQ_T_I32 = 5,
    PQ_T_I64 = 6,
    PQ_T_DOUBLE = 7,
    PQ_T_BINARY = 8,
    PQ_T_LIST = 9,
    PQ_T_SET = 10,
    PQ_T_MAP = 11,
    PQ_T_STRUCT = 12,
    PQ_T_UUID = 13
};

/* A cursor over untrusted bytes. The first fault sticks in `bad` (static text) and every later read gives zero, so that
 * parsers need one check at the end. `cut` says that the fault was the end of the bytes: more of them might help. */
struct pq_in {
    const uint8_t *base, *p, *end;
    const char *bad;
    bool cut;
};

struct pq_field { /* start with {0}; one per struct being read */
    int id, type;
};

void pq_in_init(struct pq_in *in, const void *data, size_t len);
void pq_in_fault(struct pq_in *in, const char *why);
/* Advance to the next field of a struct; false at its end or on a fault. */
bool pq_in_next(struct pq_in *in, struct pq_field *field);
void pq_in_skip(struct pq_in *in, int type);
/* Values of the field just announced; another wire type is a fault. */
int32_t pq_in_i32(struct pq_in *in, const struct pq_field *field);
int64_t pq_in_i64(struct pq_in *in, const struct pq_field *field);
int32_t pq_in_i8(struct pq_in *in, const struct pq_field *field);
bool pq_in_bool(struct pq_in *in, const struct pq_field *field);
struct td_str pq_in_binary(struct pq_in *in, const struct pq_field *field);
bool pq_in_struct(struct pq_in *in, const struct pq_field *field);
/* Enter a list whose elements have wire type `elem`; returns the count, never more than the bytes that are left. */
size_t pq_in_list(struct pq_in *in, const struct pq_field *field, int elem);
/* One element of a list of i32, i64, bool (PQ_T_TRUE, a byte each) or binary. */
int32_t pq_in_elem_i32(struct pq_in *in);
int64_t pq_in_elem_i64(struct pq_in *in);
bool pq_in_elem_bool(struct pq_in *in);
struct td_str pq_in_elem_binary(struct pq_in *in);

/* Writer: fields must come in ascending id order. `last` is the previous field id of the struct being written. */
struct pq_out {
    struct td_buf *buf;
    int last;
};

void pq_out_i32(struct pq_out *out, int id, int32_t value);
void pq_out_i64(struct pq_out *out, int id, int64_t value);
void pq_out_i16(struct pq_out *out, int id, int16_t value);
void pq_out_i8(struct pq_out *out, int id, int8_t value);
void pq_out_bool(struct pq_out *out, int id, bool value);
void pq_out_binary(struct pq_out *out, int id, const void *data, size_t len);
void pq_out_text(struct pq_out *out, int id, const char *text);
/* Open a nested struct field; close it with pq_out_end on the returned writer. */
struct pq_out pq_out_struct(struct pq_out *out, int id);
void pq_out_list(struct pq_out *out, int id, int elem, size_t count);
/* A struct that is an element of a list: fields start afresh. */
struct pq_out pq_out_elem(const struct pq_out *out);
void pq_out_elem_i32(const struct pq_out *out, int32_t value);
void pq_out_elem_binary(const struct pq_out *out, const void *data, size_t len);
void pq_out_end(const struct pq_out *out);
void pq_out_varint(struct td_buf *buf, uint64_t value);
static inline uint64_t pq_zigzag(int64_t value)
{
    return ((uint64_t)value << 1) ^ (value < 0 ? UINT64_MAX : 0);
}
static inline int64_t pq_unzigzag(uint64_t value)
{
    return (int64_t)((value >> 1) ^ (0 - (value & 1)));
}

#endif
