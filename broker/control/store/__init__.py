"""The store: everything Huijian must still know after a power cut, in one database. `store` puts the parts together;
`tables` is the schema, which `migrations` make."""
