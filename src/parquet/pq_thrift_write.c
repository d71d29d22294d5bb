/* SPDX-License-Identifier: GPL-3.0-or-later
 * The thrift compact writer: short-form field headers into a growable buffer, whose sticky failure covers all calls. */
#include "pq_thrift.h"

void pq_out_varint(struct td_buf *buf, uint64_t value)
{
    uint8_t bytes[10];
    size_t len = 0;
    while (value >= 0x80) {
        bytes[len++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[len++] = (uint8_t)value;
    td_buf_add(buf, bytes, len);
}

static void field_header(struct pq_out *out, int id, int type)
{
    int delta = id - out->last;
    if (delta > 0 && delta < 16) {
        td_buf_addc(out->buf, (char)(delta << 4 | type));
    } else {
        td_buf_addc(out->buf, (char)type);
        pq_out_varint(out->buf, pq_zigzag(id));
    }
    out->last = id;
}

void pq_out_i32(struct pq_out *out, int id, int32_t value)
{
    field_header(out, id, PQ_T_I32);
    pq_out_varint(out->buf, pq_zigzag(value));
}

void pq_out_i64(struct pq_out *out, int id, int64_t value)
{
    field_header(out, id, PQ_T_I64);
    pq_out_varint(out->buf, pq_zigzag(value));
}

void pq_out_i16(struct pq_out *out, int id, int16_t value)
{
    field_header(out, id, PQ_T_I16);
    pq_out_varint(out->buf, pq_zigzag(value));
}

void pq_out_i8(struct pq_out *out, int id, int8_t value)
{
    field_header(out, id, PQ_T_I8);
    td_buf_addc(out->buf, (char)value);
}

void pq_out_bool(struct pq_out *out, int id, bool value)
{
    field_header(out, id, value ? PQ_T_TRUE : PQ_T_FALSE);
}

void pq_out_binary(struct pq_out *out, int id, const void *data, size_t len)
{
    field_header(out, id, PQ_T_BINARY);
    pq_out_elem_binary(out, data, len);
}

void pq_out_text(struct pq_out *out, int id, const char *text)
{
    struct td_str s = td_str_of(text);
    pq_out_binary(out, id, s.ptr, s.len);
}

struct pq_out pq_out_struct(struct pq_out *out, int id)
{
    field_header(out, id, PQ_T_STRUCT);
    return pq_out_elem(out);
}

void pq_out_list(struct pq_out *out, int id, int elem, size_t count)
{
    field_header(out, id, PQ_T_LIST);
    if (count < 15) {
        td_buf_addc(out->buf, (char)((int)count << 4 | elem));
    } else {
        td_buf_addc(out->buf, (char)(0xf0 | elem));
        pq_out_varint(out->buf, count);
    }
}

struct pq_out pq_out_elem(const struct pq_out *out)
{
    return (struct pq_out){.buf = out->buf, .last = 0};
}

void pq_out_elem_i32(const struct pq_out *out, int32_t value)
{
    pq_out_varint(out->buf, pq_zigzag(value));
}

void pq_out_elem_binary(const struct pq_out *out, const void *data, size_t len)
{
    pq_out_varint(out->buf, len);
    td_buf_add(out->buf, data, len);
}

void pq_out_end(const struct pq_out *out)
{
    td_buf_addc(out->buf, PQ_T_STOP);
}
