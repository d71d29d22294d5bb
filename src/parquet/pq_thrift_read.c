/* SPDX-License-Identifier: GPL-3.0-or-later
 * The thrift compact reader: bounded, iterative, sticky about its first fault. */
#include "pq_thrift.h"

#define PQ_SKIP_DEPTH 16 /* Parquet's own structs nest 6 deep; unknown fields get ample room above that */

void pq_in_init(struct pq_in *in, const void *data, size_t len)
{
    in->base = in->p = data;
    in->end = in->p + len;
    in->bad = NULL;
    in->cut = false;
}

void pq_in_fault(struct pq_in *in, const char *why)
{
    if (!in->bad)
        in->bad = why;
    in->p = in->end;
}

static void fault_cut(struct pq_in *in)
{
    if (!in->bad)
        in->cut = true;
    pq_in_fault(in, "metadata ends in the middle of a value");
}

static uint8_t read_byte(struct pq_in *in)
{
    if (in->p >= in->end) {
        fault_cut(in);
        return 0;
    }
    return *in->p++;
}

static uint64_t read_varint(struct pq_in *in)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 70; shift += 7) {
        uint8_t b = read_byte(in);
        if (shift == 63 && (b & 0x7e))
            break;
        value |= (uint64_t)(b & 0x7f) << shift;
        if (!(b & 0x80))
            return in->bad ? 0 : value;
    }
    pq_in_fault(in, "a variable-length integer is longer than 64 bits");
    return 0;
}

static int64_t read_int(struct pq_in *in)
{
    return pq_unzigzag(read_varint(in));
}

static struct td_str read_binary(struct pq_in *in)
{
    struct td_str s = {"", 0};
    uint64_t len = read_varint(in);
    if (in->bad)
        return s;
    if (len > (uint64_t)(in->end - in->p)) {
        if (len > INT32_MAX)
            pq_in_fault(in, "a text in the metadata has an absurd length");
        else
            fault_cut(in);
        return s;
    }
    s.ptr = (const char *)in->p;
    s.len = (size_t)len;
    in->p += len;
    return s;
}

bool pq_in_next(struct pq_in *in, struct pq_field *field)
{
    uint8_t head = read_byte(in);
    int delta = head >> 4;
    if (in->bad || head == PQ_T_STOP)
        return false;
    field->type = head & 15;
    if (field->type == PQ_T_STOP || field->type > PQ_T_UUID) {
        pq_in_fault(in, "unknown thrift type");
        return false;
    }
    if (delta) {
        field->id += delta;
    } else {
        int64_t id = read_int(in);
        if (id < INT16_MIN || id > INT16_MAX)
            pq_in_fault(in, "thrift field id out of range");
        field->id = (int)id;
    }
    if (field->id > INT16_MAX)
        pq_in_fault(in, "thrift field id out of range");
    return !in->bad;
}

static void skip_bytes(struct pq_in *in, size_t len)
{
    if (len > (size_t)(in->end - in->p))
        fault_cut(in);
    else
        in->p += len;
}

/* List or map header: count of elements and up to two element types; the count is bounded by the bytes left. */
static uint64_t list_header(struct pq_in *in, int *elem)
{
    uint8_t head = read_byte(in);
    uint64_t count = head >> 4;
    *elem = head & 15;
    if (count == 15)
        count = read_varint(in);
    if (!in->bad && count && (*elem == PQ_T_STOP || *elem > PQ_T_UUID))
        pq_in_fault(in, "unknown thrift type");
    if (!in->bad && count > (uint64_t)(in->end - in->p)) {
        if (count > INT32_MAX)
            pq_in_fault(in, "a metadata list has an absurd length");
        else
            fault_cut(in);
    }
    return in->bad ? 0 : count;
}

/* Scalars and texts are skipped here; returns true for a container, which the caller enters. */
static bool skip_flat(struct pq_in *in, int type, bool element)
{
    switch (type) {
    case PQ_T_TRUE:
    case PQ_T_FALSE: skip_bytes(in, element); return false;
    case PQ_T_I8: skip_bytes(in, 1); return false;
    case PQ_T_I16:
    case PQ_T_I32:
    case PQ_T_I64: (void)read_varint(in); return false;
    case PQ_T_DOUBLE: skip_bytes(in, 8); return false;
    case PQ_T_BINARY: (void)read_binary(in); return false;
    case PQ_T_UUID: skip_bytes(in, 16); return false;
    case PQ_T_LIST:
    case PQ_T_SET:
    case PQ_T_MAP:
    case PQ_T_STRUCT: return true;
    default: pq_in_fault(in, "unknown thrift type"); return false;
    }
}

struct skip_frame { /* a container being skipped: a struct, or a list or map with `left` elements to go */
    bool is_struct;
    struct pq_field field;
    uint64_t left;
    int types[2];
    int turn;
};

static void skip_enter(struct pq_in *in, struct skip_frame *frame, int type)
{
    *frame = (struct skip_frame){.is_struct = type == PQ_T_STRUCT};
    if (frame->is_struct)
        return;
    if (type != PQ_T_MAP) {
        frame->left = list_header(in, &frame->types[0]);
        frame->types[1] = frame->types[0];
        return;
    }
    uint64_t pairs = read_varint(in);
    if (in->bad || !pairs)
        return;
    uint8_t types = read_byte(in);
    if (pairs > (uint64_t)(in->end - in->p))
        pq_in_fault(in, "a metadata map has an absurd length");
    frame->left = pairs * 2;
    frame->types[0] = types >> 4;
    frame->types[1] = types & 15;
}

void pq_in_skip(struct pq_in *in, int type)
{
    struct skip_frame stack[PQ_SKIP_DEPTH];
    size_t depth = 0;
    if (!skip_flat(in, type, false))
        return;
    skip_enter(in, &stack[depth++], type);
    while (depth && !in->bad) {
        struct skip_frame *top = &stack[depth - 1];
        int next;
        if (top->is_struct) {
            if (!pq_in_next(in, &top->field)) {
                depth--;
                continue;
            }
            next = top->field.type;
        } else {
            if (!top->left) {
                depth--;
                continue;
            }
            top->left--;
            next = top->types[top->turn];
            top->turn ^= 1;
        }
        if (!skip_flat(in, next, !top->is_struct))
            continue;
        if (depth == PQ_SKIP_DEPTH) {
            pq_in_fault(in, "metadata is nested too deeply");
            return;
        }
        skip_enter(in, &stack[depth++], next);
    }
}

static bool expect(struct pq_in *in, const struct pq_field *field, int type)
{
    if (field->type != type)
        pq_in_fault(in, "a metadata field has the wrong type");
    return !in->bad;
}

static int32_t narrow(struct pq_in *in, int64_t value)
{
    if (value < INT32_MIN || value > INT32_MAX) {
        pq_in_fault(in, "a 32-bit metadata field is out of range");
        return 0;
    }
    return (int32_t)value;
}

int32_t pq_in_i32(struct pq_in *in, const struct pq_field *field)
{
    return expect(in, field, PQ_T_I32) ? narrow(in, read_int(in)) : 0;
}

int64_t pq_in_i64(struct pq_in *in, const struct pq_field *field)
{
    return expect(in, field, PQ_T_I64) ? read_int(in) : 0;
}

int32_t pq_in_i8(struct pq_in *in, const struct pq_field *field)
{
    return expect(in, field, PQ_T_I8) ? (int8_t)read_byte(in) : 0;
}

bool pq_in_bool(struct pq_in *in, const struct pq_field *field)
{
    if (field->type != PQ_T_TRUE)
        expect(in, field, PQ_T_FALSE);
    return field->type == PQ_T_TRUE;
}

struct td_str pq_in_binary(struct pq_in *in, const struct pq_field *field)
{
    return expect(in, field, PQ_T_BINARY) ? read_binary(in) : (struct td_str){"", 0};
}

bool pq_in_struct(struct pq_in *in, const struct pq_field *field)
{
    return expect(in, field, PQ_T_STRUCT);
}

size_t pq_in_list(struct pq_in *in, const struct pq_field *field, int elem)
{
    int found = 0;
    if (!expect(in, field, PQ_T_LIST))
        return 0;
    uint64_t count = list_header(in, &found);
    if (found == PQ_T_FALSE) /* either name stands for bool */
        found = PQ_T_TRUE;
    if (count && found != elem)
        pq_in_fault(in, "a metadata list has elements of the wrong type");
    return in->bad ? 0 : (size_t)count;
}

int32_t pq_in_elem_i32(struct pq_in *in)
{
    return narrow(in, read_int(in));
}

int64_t pq_in_elem_i64(struct pq_in *in)
{
    return read_int(in);
}

bool pq_in_elem_bool(struct pq_in *in)
{
    return read_byte(in) == 1; /* false is 2 or, with some writers, 0 */
}

struct td_str pq_in_elem_binary(struct pq_in *in)
{
    return read_binary(in);
}
