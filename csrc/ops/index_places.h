// Where indices point in a table: what advanced indexing and indexing along one dimension have in common.
// Both come down to a list of blocks of a table (kernels::Blocks): reading makes the list, writing sets or
// adds its elements in the table. Nothing here is recorded.
#pragma once

#include "kernels/indexing.h"
#include "ops/index.h"

namespace penlight {

// Where indices point in a table, and the shape of the list: dimensions before the indexed ones, the indices'
// shape, and the rest.
struct Places {
  Tensor offsets;       // one for each block, in the table
  Dims index_sizes;     // the indices' shape
  int64_t before = 0;   // how many of the other dimensions come first
  Dims sizes, strides;  // of the other dimensions, in the table
  Dims list_sizes() const {
    Dims all(sizes.begin(), sizes.begin() + before);
    all.append(index_sizes.begin(), index_sizes.end());
    all.append(sizes.begin() + before, sizes.end());
    return all;
  }
  int64_t block_elements() const {
    int64_t count = 1;
    for (int64_t size : sizes) count *= size;
    return count;
  }
};

Places places_along(const Tensor& table, int64_t dim, const Tensor& index);
// Of expanded indices.
Places places_of(const Tensor& table, const Indices& indices);

void check_count(const Tensor& x, std::size_t indices);
// Masks become the indices of their true elements; the rest is checked.
Indices expand_masks(const Tensor& x, const Indices& indices);
bool any_index_batched(const Indices& indices);

Tensor take_places(const Tensor& table, const Places& places);
// The same for indices that may differ between the examples of vmap.
Tensor take_all(const Tensor& x, const Indices& indices);

// list has the places' sizes, or one element.
void join_places(const Tensor& table, const Places& places, const Tensor& list, kernels::Join join);
// Joins values, which broadcast to the indices' list, into a table that has room for what differs between
// examples.
void join_examples(const Tensor& table, const Indices& indices, const Tensor& values, kernels::Join join);
// values broadcast to the list of places; the gradient goes back by sum_to.
Tensor expand_values(const Tensor& values, const Places& places);
// self with room for values that may differ between examples.
Tensor room_for(const Tensor& self, const Indices& indices, const Tensor& values);

}  // namespace penlight
