/* SPDX-License-Identifier: GPL-3.0-or-later
 * What a bound says of one value, and of all values between two. */
#ifndef TAPEDECK_PQ_BOUND_H
#define TAPEDECK_PQ_BOUND_H

#include "pq_meta.h"

/* Can values of this column be compared with the bound's? Null tests always can. */
bool pq_bound_fits(const struct td_pq_column *c, const struct td_pq_bound *bound);
/* Does slot i of the array satisfy a bound that fits? */
bool pq_bound_holds(const struct td_pq_column *c, const struct td_pq_bound *bound, const struct td_pq_array *array,
                    size_t i);

struct pq_extent { /* what is known of some rows of one column */
    int64_t rows;
    int64_t nulls;        /* -1 = not known */
    bool has_bounds;      /* every value that is neither null nor NaN lies in [min, max]: PLAIN bytes that fit the type */
    struct td_str min, max;
};
/* False when no row of the extent can satisfy the bound. */
bool pq_bound_may(const struct td_pq_column *c, const struct td_pq_bound *bound, const struct pq_extent *extent);
/* Append rows [from, to), which come at or after those that are in; touching ranges become one. */
enum td_code pq_ranges_add(struct td_pq_ranges *ranges, int64_t from, int64_t to, struct td_err *err);

#endif
