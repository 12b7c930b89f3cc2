set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

option(MUNIMENT_FUZZ "build the libFuzzer targets (needs clang)" OFF)
option(MUNIMENT_REPORT_SECRETS "TEST BUILD ONLY: write every secret made to MUNIMENT_SECRETS_FILE" OFF)
set(MUNIMENT_SANITIZE "" CACHE STRING "sanitizers, as -fsanitize takes them")

add_compile_options(-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wwrite-strings -Wformat=2 -Wno-unused-parameter -Wvla
    -fno-strict-aliasing -fstack-protector-strong)
add_compile_definitions(_GNU_SOURCE G_LOG_USE_STRUCTURED MUNIMENT_VERSION="${PROJECT_VERSION}")
include_directories(${PROJECT_SOURCE_DIR})

if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-fstack-clash-protection -fcf-protection)
endif()
if(CMAKE_C_COMPILER_ID MATCHES "Clang")
    # clang takes variables that only clean up at the end of their scope for unused; gcc, which
    # builds everything else, does not.
    add_compile_options(-Wno-unused-variable)
endif()
if(MUNIMENT_SANITIZE)
    add_compile_options(-fsanitize=${MUNIMENT_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    add_link_options(-fsanitize=${MUNIMENT_SANITIZE})
else()
    add_compile_options($<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
endif()
add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
if(MUNIMENT_FUZZ)
    # Coverage for libFuzzer everywhere; its main() only in the fuzz targets.
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(MUNIMENT_REPORT_SECRETS)
    add_compile_definitions(MUNIMENT_REPORT_SECRETS)
endif()

# CMake's optimised configurations define NDEBUG; assertions stay on here in every one of them.
foreach(config RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${config} "${CMAKE_C_FLAGS_${config}}")
endforeach()
