/* reflect: one field of a message through its protobuf-c descriptor, for code that serves every
 * kind alike. Knows types and labels, no kind and no rule.
 *
 * Owns:    nothing: copies are shallow, texts and lists stay their message's.   Threads: any. */
#pragma once

#include "base/view.h"

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

/* The field of this name; it must exist. */
const ProtobufCFieldDescriptor *reflect_field(const ProtobufCMessageDescriptor *type,
					      const char *name);

/* A list is set when it has an element. */
bool reflect_is_set(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
/* Bytes of one value (of one element of a list) in the struct. */
size_t reflect_size(const ProtobufCFieldDescriptor *f);

/* One value; requires: no list, `bytes` = reflect_size. The value is there whether set or not. */
void reflect_get(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, void *ret_value,
		 size_t bytes);
/* Sets one value. The struct is not const; what is pointed to is only ever read. */
void reflect_put(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, const void *value,
		 size_t bytes);
/* A list: how many elements, and where they stand. */
size_t reflect_list(const ProtobufCMessage *m, const ProtobufCFieldDescriptor *f,
		    const void **ret_elements);
/* `elements`: an array of `count` values, read only. */
void reflect_put_list(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f, const void *elements,
		      size_t count);

/* Makes `to` say of this field what `from` says. */
void reflect_copy(ProtobufCMessage *to, const ProtobufCMessage *from,
		  const ProtobufCFieldDescriptor *f);
void reflect_clear(ProtobufCMessage *m, const ProtobufCFieldDescriptor *f);
