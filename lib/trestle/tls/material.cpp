#include "trestle/tls/material.hpp"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

namespace trestle::tls {

void MaterialFree::operator()(evp_pkey_st* key) const { EVP_PKEY_free(key); }
void MaterialFree::operator()(x509_st* certificate) const { X509_free(certificate); }
void MaterialFree::operator()(x509_store_st* store) const { X509_STORE_free(store); }

}  // namespace trestle::tls
