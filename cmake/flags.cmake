# Flags for our own code. Generated protobuf code is a target of its own, without them.
add_library(roomkeep_flags INTERFACE)
target_compile_options(roomkeep_flags INTERFACE
	-Wall -Wextra -Wshadow -Wconversion -Wsign-compare -Wstrict-prototypes -Wmissing-prototypes
	-Wold-style-definition -Wundef -Wpointer-arith -Wcast-qual -Wcast-align -Wformat=2 -Wvla
	-Wswitch-enum                # a new state or kind must be handled by name
	-Werror=attributes
	-fvisibility=hidden -fno-common
	-fstack-protector-strong -fstack-clash-protection
	-fno-omit-frame-pointer)     # crash dumps and perf stay readable
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
	target_compile_options(roomkeep_flags INTERFACE -Wimplicit-fallthrough=5)
else()
	target_compile_options(roomkeep_flags INTERFACE -Wimplicit-fallthrough
		-Wno-gnu-statement-expression)
endif()
if(ROOMKEEP_WERROR)
	target_compile_options(roomkeep_flags INTERFACE -Werror)
endif()
target_compile_definitions(roomkeep_flags INTERFACE _GNU_SOURCE
	ROOMKEEP_VERSION="${PROJECT_VERSION}")
if(ROOMKEEP_FAST_KDF)
	target_compile_definitions(roomkeep_flags INTERFACE ROOMKEEP_FAST_KDF=1)
endif()

# Fuzzing needs a sanitizer to see with, and feedback from all of our code; the targets themselves
# link libFuzzer (tests/fuzz).
if(ROOMKEEP_FUZZ)
	if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang" OR ROOMKEEP_SANITIZE STREQUAL "thread")
		message(FATAL_ERROR "ROOMKEEP_FUZZ needs clang, and the address sanitizer")
	endif()
	set(ROOMKEEP_SANITIZE address)
	add_compile_options(-fsanitize=fuzzer-no-link)
endif()
# -O1 with sanitizers: half the time to compile, the stack in a report as it was written.
if(ROOMKEEP_SANITIZE STREQUAL "address")
	add_compile_options(-O1 -fsanitize=address,undefined -fno-sanitize-recover=all)
	add_link_options(-fsanitize=address,undefined)
elseif(ROOMKEEP_SANITIZE STREQUAL "thread")
	add_compile_options(-O1 -fsanitize=thread)
	add_link_options(-fsanitize=thread)
else()
	# Not with sanitizers: fortified libc calls hide what ASan wants to see.
	if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
		target_compile_definitions(roomkeep_flags INTERFACE _FORTIFY_SOURCE=3)
	endif()
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "Clang")
	add_link_options(-fuse-ld=lld) # a third of the time for the 200 programs with sanitizers
endif()
add_link_options(-pie -Wl,-z,relro,-z,now,-z,noexecstack)
